import{b as c}from"./shared-RGKRZU6Q.js";import{a,b}from"./shared-BE5YFO2G.js";import"./shared-UMM5QLAE.js";export{a as LANGUAGES,c as colouring,b as languageOf};
