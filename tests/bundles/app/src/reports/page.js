import { rows, title } from "./engine.js";
export const show = () => document.body.append(title(2025), rows(12).join("\n"), "a page that is loaded when asked for");
