"use strict";
// Diagrams are drawn in the colours that the reader has chosen for all pages.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
mermaid.initialize({startOnLoad: true, theme: dark ? "dark" : "neutral",
  themeVariables: dark ? {edgeLabelBackground: "#333"} : {}});
