import "../look/base.css";
import "../look/public.css";
import "./board.css";

import { show } from "../parts/page";
import { BoardPage } from "./BoardPage";
import { boardText } from "./text";

void show(BoardPage, boardText);
