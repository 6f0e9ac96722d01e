import{c as o}from"./shared-2C4LTKDW.js";import"./shared-CLSTLRY2.js";import{a as m}from"./shared-RZWNU2IN.js";import"./shared-UMM5QLAE.js";o(m("theme"));
