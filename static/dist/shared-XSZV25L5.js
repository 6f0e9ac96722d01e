import{b as a,c as b,d as c}from"./shared-CQMLQLSB.js";import"./shared-2F7IEX2V.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
