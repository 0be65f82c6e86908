import{n as e,t}from"./index-CEMD69qL.js";var n=()=>document.body.append(e(2025),t(12).join(`
`),`a page that is loaded when asked for`);export{n as show};