import "./app.css";

import { mount } from "svelte";

import { expose } from "./player/probe";
import Root from "./shell/Root.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
expose();
mount(Root, { target });
