// A protobuf codec of the size the provider protocol needs.
//
// Only the two wire types that occur are known: varints and length-delimited bytes. Encoding joins
// fields made by the small functions below; decoding returns the raw fields of one message by
// number. The numbers themselves are in protocol.mjs.

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const EMPTY = Buffer.alloc(0);

function varint(value) {
  let rest = BigInt(value);
  if (rest < 0n) {
    throw new RangeError(`a varint here is never negative: ${value}`);
  }
  const bytes = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const tag = (field, wire) => varint((field << 3) | wire);

// Length-delimited field: nested messages, bytes and map entries. Absent when undefined.
export function bytes(field, payload) {
  if (payload === undefined) {
    return EMPTY;
  }
  return Buffer.concat([tag(field, WIRE_BYTES), varint(payload.length), payload]);
}

// Strings and integers follow proto3: a default value is not written.
export function string(field, text) {
  return text ? bytes(field, Buffer.from(text, "utf8")) : EMPTY;
}

export function integer(field, value) {
  return value ? Buffer.concat([tag(field, WIRE_VARINT), varint(value)]) : EMPTY;
}

export const boolean = (field, value) => integer(field, value ? 1 : 0);

export const message = (...fields) => Buffer.concat(fields);

// One entry of map<string, message>.
export function mapEntry(field, key, value) {
  return bytes(field, message(string(1, key), bytes(2, value)));
}

function readVarint(buffer, start) {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = buffer[start + i];
    if (byte === undefined) {
      throw new RangeError("varint runs past the end of the message");
    }
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if ((byte & 0x80) === 0) {
      return [value, start + i + 1];
    }
  }
  throw new RangeError("varint longer than 10 bytes");
}

// Returns a Map from field number to the list of its values (Buffer or BigInt), in wire order.
export function decode(buffer) {
  const fields = new Map();
  let at = 0;
  while (at < buffer.length) {
    let key;
    [key, at] = readVarint(buffer, at);
    const field = Number(key >> 3n);
    const wire = Number(key & 7n);
    let value;
    if (wire === WIRE_VARINT) {
      [value, at] = readVarint(buffer, at);
    } else if (wire === WIRE_BYTES || wire === WIRE_FIXED64 || wire === WIRE_FIXED32) {
      let size = wire === WIRE_FIXED64 ? 8n : 4n;
      if (wire === WIRE_BYTES) {
        [size, at] = readVarint(buffer, at);
      }
      const end = at + Number(size);
      if (end > buffer.length) {
        throw new RangeError(`field ${field} runs past the end of the message`);
      }
      value = buffer.subarray(at, end);
      at = end;
    } else {
      throw new RangeError(`wire type ${wire} of field ${field} is not supported`);
    }
    if (!fields.has(field)) {
      fields.set(field, []);
    }
    fields.get(field).push(value);
  }
  return fields;
}

// The last value wins, as protobuf demands of a singular field.
export function one(fields, field) {
  return fields.get(field)?.at(-1);
}

export function text(fields, field) {
  return one(fields, field)?.toString("utf8") ?? "";
}
