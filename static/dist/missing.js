import{i as o}from"./shared-N3ZHXVQI.js";import{a as m}from"./shared-RRYJNSRE.js";o(m("theme"));
