// A plugin of local-ci in JavaScript: a stage that finds a word where it should not be.
//
// `wit/plugin.wit` is the contract, with every type in words. Here its names are in camelCase, an option is a value or null,
// and what a function cannot do it throws: a problem from what is exported, a failure from what is imported.
import output from "local-ci:plugin/output@0.1.0";
import files from "local-ci:plugin/files@0.1.0";

const LARGE = 1024 * 1024;

export const about = {
  // Called with nothing granted; its answer is always the same.
  describe() {
    return {
      name: "@NAME@",
      version: "0.1.0",
      summary: "Finds a word where it should not be",
      stages: [{
        name: "@NAME@",
        summary: "Fails where a file has the word in it",
        params: JSON.stringify({
          type: "object",
          additionalProperties: false,
          properties: {
            word: { type: "string", minLength: 1, description: "The word; without it, FIXME" },
            files: { type: "string", description: "Which files; without it, those in src" },
          },
        }),
        fixes: false,
        extra: [],
      }],
      parsers: [],
      expanders: [],
      events: [],
      config: null,
      needs: [{ kind: "files-read", value: "src/**", reason: "to look for the word in the project's sources" }],
      examples: JSON.stringify([
        {
          name: "finds the word",
          role: "stage",
          kind: "@NAME@",
          files: { "src/a.txt": "one\ntwo FIXME\n" },
          expect: {
            verdict: "failed",
            summary: "FIXME stands in 1 line",
            annotations: [{ severity: "error", path: "src/a.txt", line: 2 }],
          },
        },
        {
          name: "looks for another word where it is told to",
          role: "stage",
          kind: "@NAME@",
          params: { word: "later" },
          files: { "src/a.txt": "FIXME\n" },
          expect: { verdict: "passed", annotations: [] },
        },
      ]),
      extra: [],
    };
  },
};

export const stage = {
  run(kind, context) {
    // What is thrown and is no problem would end the plugin without a word.
    try {
      return look(JSON.parse(context.params));
    } catch (error) {
      const message = error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
      throw { code: "exception", message, retryable: false, extra: [] };
    }
  },
};

function look({ word = "FIXME", files: pattern = "src/**" }) {
  let count = 0;
  for (const entry of files.glob(pattern, 10000)) {
    if (entry.dir || entry.size > LARGE) continue;
    const lines = text(files.read(entry.path, 0, LARGE)).split("\n");
    const found = lines.flatMap((line, at) => (line.includes(word) ? [annotation(entry.path, at + 1, word)] : []));
    count += found.length;
    if (found.length > 0) output.annotate(found);
  }
  const summary = count === 0 ? null : `${word} stands in ${count} ${count === 1 ? "line" : "lines"}`;
  return { verdict: count === 0 ? "passed" : "failed", summary, outputs: [], extra: [] };
}

function annotation(path, line, word) {
  const at = { path, line, column: null, endLine: null, endColumn: null };
  return { severity: "error", message: `${word} stands here`, code: null, title: null, at, extra: [] };
}

// Bytes as text. What is no UTF-8 is of no interest here.
function text(bytes) {
  let latin = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    latin += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  try {
    return decodeURIComponent(escape(latin));
  } catch {
    return "";
  }
}
