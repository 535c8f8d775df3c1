import "../look/base.css";
import "../look/public.css";
import "./verify.css";

import { show } from "../parts/page";
import { verifyText } from "./text";
import { VerifyPage } from "./VerifyPage";

void show(VerifyPage, verifyText);
