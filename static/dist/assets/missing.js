import{c as o}from"./shared-X4L5E7JI.js";import"./shared-XJM64IL6.js";import{b as m}from"./shared-UJQHFLXW.js";o(m("theme"));
