
import { ProblemSchema, type Problem } from "../gen/apricot/v1/common_pb";
import { create } from "./messages";

/** A request that got no for an answer, or none at all (`lost`). */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.type);
  }
}

/** Nobody knows whether it arrived. */
export function lost(): Problem {
  return create(ProblemSchema, { type: "lost", retryAfterMs: 1000 });
}
