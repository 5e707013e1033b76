// Reads archives with warcio.js and checks what it gives: record types in
// order, block and payload digests recomputed, revisits that refer to a
// response by URI and date.  usage: warcio_check.mjs FILE...
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { WARCParser } from "warcio";

const sha = (bytes) =>
  "sha256:" + createHash("sha256").update(bytes).digest("hex");
const counts = {};
const seen = new Map();
let bad = 0;

function complain(text) {
  console.log("not ok: " + text);
  bad++;
}

// The message body after transfer coding, which is what a payload is.
function dechunk(bytes) {
  const parts = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    const size = parseInt(bytes.subarray(at, end).toString(), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

function headers(record) {
  return record.warcHeaders.headers;
}

// Pass 1: records with their HTTP header parsed, as every tool reads them.
async function parse(file) {
  const parser = new WARCParser(createReadStream(file));
  for await (const record of parser) {
    const type = record.warcType;
    counts[type] = (counts[type] || 0) + 1;
    const body = Buffer.from(await record.readFully(true));
    if (type === "response") {
      seen.set(record.warcTargetURI + " " + record.warcDate,
        record.warcPayloadDigest);
      if (record.httpHeaders.statusCode < 100)
        complain(record.warcTargetURI + ": no status");
      const want = record.httpHeaders.headers.get("x-decoded");
      if (want && sha(body) !== want)
        complain(record.warcTargetURI + ": decoded body differs");
    }
    if (type === "revisit") {
      const h = headers(record);
      const key = h.get("WARC-Refers-To-Target-URI") + " " +
        h.get("WARC-Refers-To-Date");
      if (!seen.has(key)) complain(key + ": refers to nothing");
      else if (record.warcPayloadDigest &&
        seen.get(key) !== record.warcPayloadDigest)
        complain(key + ": refers to another payload");
    }
  }
}

// Pass 2: blocks as they stand, for the digests.
async function digests(file) {
  const parser = new WARCParser(createReadStream(file), { parseHttp: false });
  for await (const record of parser) {
    const block = Buffer.from(await record.readFully(false));
    const name = record.warcType + " " + record.warcTargetURI;
    if (record.warcBlockDigest !== sha(block))
      complain(name + ": block digest");
    if (block.length !== record.warcContentLength)
      complain(name + ": length");
    if (record.warcType !== "response" || !record.warcPayloadDigest) continue;
    const at = block.indexOf("\r\n\r\n") + 4;
    const head = block.subarray(0, at).toString().toLowerCase();
    let body = block.subarray(at);
    if (head.includes("transfer-encoding: chunked")) body = dechunk(body);
    if (record.warcPayloadDigest !== sha(body))
      complain(name + ": payload digest");
  }
}

for (const file of process.argv.slice(2)) {
  await parse(file);
  await digests(file);
}
console.log("# figure: warcio: " + JSON.stringify(counts) + ", " + bad + " complaints");
for (const type of ["warcinfo", "metadata", "resource", "request", "response",
  "revisit"])
  if (!counts[type]) complain("no " + type + " record");
process.exit(bad ? 1 : 0);
