import clsx from "clsx";
import "./style.css";
import { format, menu } from "./shared.js";

document.body.className = clsx("page", { open: menu().length > 0 });
document.title = format(menu());
document.body.onclick = async () => (await import("./reports/page.js")).show();
document.body.ondblclick = async () => (await import("./help.js")).help();
