import { render } from "preact";
import { App } from "./app";
import { start } from "./live";
import "./theme";
import "uplot/dist/uPlot.min.css";
import "./styles.css";

start();
render(<App />, document.getElementById("app")!);
