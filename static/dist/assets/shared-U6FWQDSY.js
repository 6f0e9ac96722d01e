import{b as a,c as b,d as c}from"./shared-PEDXVEVM.js";import"./shared-UMM5QLAE.js";export{b as LANGUAGES,a as colouring,c as languageOf};
