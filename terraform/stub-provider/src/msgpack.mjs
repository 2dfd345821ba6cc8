// The part of MessagePack in which Terraform writes its values.
//
// null, booleans, numbers, strings, arrays (lists, sets, tuples) and maps (maps, objects) mirror
// JavaScript's. A value that is not known before apply is the constant UNKNOWN; on the wire it is
// extension 0, or extension 12 when Terraform adds what it knows about it, which we ignore.

export const UNKNOWN = Object.freeze({ unknown: true });

const EXT_UNKNOWN = 0;
const EXT_REFINED_UNKNOWN = 12;

export function encode(value) {
  const parts = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value, parts) {
  if (value === null || value === undefined) {
    parts.push(Buffer.from([0xc0]));
  } else if (value === UNKNOWN) {
    parts.push(Buffer.from([0xd4, EXT_UNKNOWN, 0]));
  } else if (typeof value === "boolean") {
    parts.push(Buffer.from([value ? 0xc3 : 0xc2]));
  } else if (typeof value === "number" || typeof value === "bigint") {
    parts.push(numberBytes(value));
  } else if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    parts.push(sized(bytes.length, 0xa0, 31, 0xd9, 0xda, 0xdb), bytes);
  } else if (Array.isArray(value)) {
    parts.push(sized(value.length, 0x90, 15, undefined, 0xdc, 0xdd));
    value.forEach((item) => write(item, parts));
  } else {
    const entries = Object.entries(value);
    parts.push(sized(entries.length, 0x80, 15, undefined, 0xde, 0xdf));
    for (const [key, item] of entries) {
      write(key, parts);
      write(item, parts);
    }
  }
}

function sized(size, fixBase, fixMax, tag8, tag16, tag32) {
  if (size <= fixMax) {
    return Buffer.from([fixBase | size]);
  }
  if (tag8 !== undefined && size <= 0xff) {
    return Buffer.from([tag8, size]);
  }
  const head = Buffer.alloc(size <= 0xffff ? 3 : 5);
  if (size <= 0xffff) {
    head[0] = tag16;
    head.writeUInt16BE(size, 1);
  } else {
    head[0] = tag32;
    head.writeUInt32BE(size, 1);
  }
  return head;
}

function numberBytes(value) {
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  const bytes = Buffer.alloc(9);
  if (isInteger) {
    bytes[0] = 0xd3;
    bytes.writeBigInt64BE(BigInt(value), 1);
  } else {
    bytes[0] = 0xcb;
    bytes.writeDoubleBE(value, 1);
  }
  return bytes;
}

export function decode(buffer) {
  const reader = { buffer, at: 0 };
  const value = read(reader);
  if (reader.at !== buffer.length) {
    throw new RangeError(`${buffer.length - reader.at} bytes after the MessagePack value`);
  }
  return value;
}

function take(reader, size) {
  const end = reader.at + size;
  if (end > reader.buffer.length) {
    throw new RangeError("MessagePack value is cut short");
  }
  const piece = reader.buffer.subarray(reader.at, end);
  reader.at = end;
  return piece;
}

const unsigned = (reader, size) => take(reader, size).readUIntBE(0, size);

function small(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function read(reader) {
  const tag = unsigned(reader, 1);
  if (tag <= 0x7f) return tag;
  if (tag <= 0x8f) return readMap(reader, tag & 0x0f);
  if (tag <= 0x9f) return readArray(reader, tag & 0x0f);
  if (tag <= 0xbf) return readText(reader, tag & 0x1f);
  if (tag >= 0xe0) return tag - 0x100;
  switch (tag) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: return take(reader, unsigned(reader, 1));
    case 0xc5: return take(reader, unsigned(reader, 2));
    case 0xc6: return take(reader, unsigned(reader, 4));
    case 0xc7: return readExtension(reader, unsigned(reader, 1));
    case 0xc8: return readExtension(reader, unsigned(reader, 2));
    case 0xc9: return readExtension(reader, unsigned(reader, 4));
    case 0xca: return take(reader, 4).readFloatBE(0);
    case 0xcb: return take(reader, 8).readDoubleBE(0);
    case 0xcc: return unsigned(reader, 1);
    case 0xcd: return unsigned(reader, 2);
    case 0xce: return unsigned(reader, 4);
    case 0xcf: return small(take(reader, 8).readBigUInt64BE(0));
    case 0xd0: return take(reader, 1).readInt8(0);
    case 0xd1: return take(reader, 2).readInt16BE(0);
    case 0xd2: return take(reader, 4).readInt32BE(0);
    case 0xd3: return small(take(reader, 8).readBigInt64BE(0));
    case 0xd4: return readExtension(reader, 1);
    case 0xd5: return readExtension(reader, 2);
    case 0xd6: return readExtension(reader, 4);
    case 0xd7: return readExtension(reader, 8);
    case 0xd8: return readExtension(reader, 16);
    case 0xd9: return readText(reader, unsigned(reader, 1));
    case 0xda: return readText(reader, unsigned(reader, 2));
    case 0xdb: return readText(reader, unsigned(reader, 4));
    case 0xdc: return readArray(reader, unsigned(reader, 2));
    case 0xdd: return readArray(reader, unsigned(reader, 4));
    case 0xde: return readMap(reader, unsigned(reader, 2));
    case 0xdf: return readMap(reader, unsigned(reader, 4));
    default: throw new RangeError(`MessagePack tag 0x${tag.toString(16)} is not supported`);
  }
}

const readText = (reader, size) => take(reader, size).toString("utf8");

function readArray(reader, count) {
  const items = [];
  for (let i = 0; i < count; i++) {
    items.push(read(reader));
  }
  return items;
}

function readMap(reader, count) {
  const result = {};
  for (let i = 0; i < count; i++) {
    const key = read(reader);
    result[key] = read(reader);
  }
  return result;
}

function readExtension(reader, size) {
  const kind = unsigned(reader, 1);
  take(reader, size);
  if (kind !== EXT_UNKNOWN && kind !== EXT_REFINED_UNKNOWN) {
    throw new RangeError(`MessagePack extension ${kind} is not one of Terraform's`);
  }
  return UNKNOWN;
}
