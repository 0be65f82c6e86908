export { format } from "./format.js";
export { menu } from "./menu.js";
