// Reads every record's payload with warcio.js.  usage: warcio_read.mjs FILE
import { createReadStream } from "node:fs";
import { WARCParser } from "warcio";

let records = 0;
const file = createReadStream(process.argv[2], { highWaterMark: 1 << 20 });
for await (const record of new WARCParser(file)) {
  await record.readFully(false);
  records++;
}
console.log(records);
