import{b as o,c as e}from"./chunk-WNO6NT3O.js";import"./chunk-SQE76S5B.js";var a=()=>document.body.append(o(2025),e(12).join(`
`),"a page that is loaded when asked for");export{a as show};
