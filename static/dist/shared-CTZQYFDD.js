import{b as a,c as b,d as c}from"./shared-CQAT6CPH.js";import"./shared-2UWEMVIE.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
