"use strict";
// What is wider than the window can be scrolled by keyboard, too.
addEventListener("DOMContentLoaded", () => document.querySelectorAll(".highlight pre, .table-wrapper")
  .forEach(each => { each.tabIndex = 0; }));
