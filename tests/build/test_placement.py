"""The picture of a placement, against a file as nextpnr writes it."""

import random
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from hwgen.build.placement import BETWEEN, REST, part, picture, places

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("cell, name", [
    ("serial.accelerator.fetch.row_SB_DFF_Q", "fetch"),
    ("serial.accelerator.array.pair_2.lanes__1__b_SB_DFFE_Q_7_DFFLC", "array"),
    ("serial.accelerator.busy_LUT4_Z", BETWEEN),
    ("serial.uart.receiver.rx_TRELLIS_FF_Q", "serial port"),
    ("serial.flash.left_SB_DFF_Q", "flash"),
    ("clocks.pll_PLL", REST), ("$nextpnr_ICESTORM_LC_5", REST), ("", REST),
])
def test_part(cell, name):
    assert part(cell) == name


def nextpnr_cells(cells):
    """Return what nextpnr writes of cells: names, and where they are."""
    text = '{\n  "modules": {\n    "top": {\n      "cells": {\n'
    for name, place in cells:
        text += (f'        "{name}": {{\n          "hide_name": 0,\n          "parameters": {{\n'
                 '            "INIT": "01"\n          },\n          "attributes": {\n'
                 f'            "NEXTPNR_BEL": "{place}"\n          }}\n        }},\n')
    return text + '      },\n      "netnames": {\n        "a.b": {\n          "hide_name": 0\n'


def test_places(tmp_path):
    """Of all families; what has no place is not there."""
    (tmp_path / "cells").write_text(nextpnr_cells([
        ("serial.accelerator.host.a", "X1/Y2/lc3"), ("serial.accelerator.host.b", "X1/Y2/lc4"),
        ("serial.uart.c", "X12/Y0/SLICEA.LUT0"), ("clocks.d", "X1Y2/LUT5"), ("e", "PLL0")]))
    assert places(tmp_path / "cells") == {
        (1, 2): Counter({"host": 2, REST: 1}), (12, 0): Counter({"serial port": 1})}


@pytest.mark.parametrize("upward", [False, True])
def test_picture(upward):
    """A tile for each, in its place and in the colour of its name; most cells are darkest."""
    draw = random.Random(1)
    tiles = {(x, y): Counter({f"part {draw.randrange(20)} <&": draw.randrange(1, 9)})
             for x in range(7) for y in range(5)}
    drawing = ET.fromstring(picture(tiles, "<Board> & Design", upward=upward))
    ground, *squares = drawing.find(f"{SVG}g")
    assert len(squares) == 35 and (ground.get("width"), ground.get("height")) == ("7", "5")
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert texts[0] == "<Board> & Design"
    key = dict(zip(texts[1:], [each.get("fill") for each in drawing.findall(f"{SVG}rect")][1:],
                   strict=True))
    for square in squares:
        x, y = int(square.get("x")), int(square.get("y"))
        (name, count), = tiles[x, 4 - y if upward else y].items()
        colour, = (fill for words, fill in key.items() if words.startswith(f"{name}: "))
        assert square.get("fill") == colour
        assert (square.get("fill-opacity") == "1.00") == (count == 8)


def test_nothing():
    assert ET.fromstring(picture({}, "")).tag == f"{SVG}svg"
