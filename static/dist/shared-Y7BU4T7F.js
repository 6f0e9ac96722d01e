import{b as a,c as b,d as c}from"./shared-PLOWIRRG.js";import"./shared-EPNF4SLQ.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
