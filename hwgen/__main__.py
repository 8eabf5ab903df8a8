"""Run the command line as ``python -m hwgen``."""

import sys

from .cli.main import main

sys.exit(main())
