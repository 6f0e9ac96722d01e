import{c as o}from"./shared-X4L5E7JI.js";import"./shared-XJM64IL6.js";import{a as m}from"./shared-RZWNU2IN.js";o(m("theme"));
