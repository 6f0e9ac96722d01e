import{c as o}from"./shared-W5MZYOO6.js";import"./shared-CLSTLRY2.js";import{a as m}from"./shared-RZWNU2IN.js";import"./shared-UMM5QLAE.js";o(m("theme"));
