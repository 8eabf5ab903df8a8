"use strict";
// Diagrams are drawn in the colours that the reader has chosen for all pages.
mermaid.initialize({startOnLoad: true,
  theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "neutral"});
