// Standard input and output as a chip's first UART, and Intel HEX files.
"use strict";
const fs = require("fs");

// Calls `run` again and again; it gets the bytes from standard input and a function that sends one. Ends with the input.
exports.serve = (run) => {
  const received = [];
  const sent = [];
  process.stdin.on("data", (bytes) => received.push(...bytes));
  process.stdin.on("end", () => process.exit(0));
  const turn = () => {
    run(received, (byte) => sent.push(byte));
    if (sent.length) {
      process.stdout.write(Buffer.from(sent.splice(0)));
    }
    setImmediate(turn);
  };
  turn();
};

// The bytes of a HEX file, each given to `store` with its address.
exports.load = (path, store) => {
  let base = 0;
  for (const line of fs.readFileSync(path, "utf8").split(/\r?\n/).filter((text) => text.startsWith(":"))) {
    const record = Buffer.from(line.slice(1), "hex");
    const data = record.subarray(4, 4 + record[0]);
    if (record[3] === 2) {
      base = data.readUInt16BE() * 16;
    } else if (record[3] === 4) {
      base = data.readUInt16BE() * 65536;
    } else if (record[3] === 0) {
      data.forEach((byte, index) => store(base + record.readUInt16BE(1) + index, byte));
    }
  }
};
