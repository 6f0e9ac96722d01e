import{b as a,c as b,d as c}from"./shared-4C6LCHQB.js";import"./shared-G2QDULIU.js";import"./shared-RRYJNSRE.js";export{c as bindQuick,b as listenForQuick,a as openQuick};
