// llhttp: tells in JSON how Node's own parser, llhttp without any leniency,
// reads a stream of bytes.  Input and output as in reader.c.
//
// http.Server hides how a request was read behind its own repairs, so the
// parser is driven as lib/_http_server.js drives it.
'use strict';

const fs = require('fs');
const { HTTPParser, methods } = process.binding('http_parser');

const HEAD_BYTES = 1 << 20;
const STRICT = 0;

function fieldsOf(flat) {
	const fields = [];
	for (let i = 0; i < flat.length; i += 2)
		fields.push([flat[i], flat[i + 1]]);
	return fields;
}

// Does the parser go on to read a body here?  As for lib/_http_client.js and
// lib/_http_server.js: 1 there is none, 2 it is another protocol.
function bodyRule(kind, message) {
	if (message.method === 'CONNECT' || kind === 'C' && message.status >= 200 &&
	    message.status < 300)
		return 2;
	return kind === 'H' ? 1 : 0;
}

function read(kind, bytes) {
	const type = kind === 'Q' ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
	const parser = new HTTPParser();
	const messages = [];
	let message, early = [], target = '', why = '', over = false;

	parser.initialize(type, {}, HEAD_BYTES, STRICT);
	// Where there are many fields, and once there were trailers.
	parser[HTTPParser.kOnHeaders] = (flat, url) => {
		early = early.concat(flat);
		target += url;
	};
	parser[HTTPParser.kOnHeadersComplete] = (major, minor, flat, method, url,
	    status, reason, upgrade, keep) => {
		message = {
			method: methods[method] || '',
			target: url || target,
			status: status || 0,
			minor,
			fields: fieldsOf(early.concat(flat || [])),
			body: '',
			done: false,
			keep,
			upgrade,
		};
		early = [];
		target = '';
		messages.push(message);
		return bodyRule(kind, message);
	};
	parser[HTTPParser.kOnBody] = (buffer, offset, length) => {
		// Before version 20 with a place in the whole buffer.
		const part = offset === undefined ? buffer
			: buffer.subarray(offset, offset + length);
		message.body += part.toString('latin1');
	};
	parser[HTTPParser.kOnMessageComplete] = () => {
		message.done = true;
		early = [];
		target = '';
		over = kind !== 'Q' && message.status >= 200;
	};
	let result = parser.execute(bytes, 0, bytes.length);
	if (!(result instanceof Error) && kind !== 'Q' && !over)
		result = parser.finish();
	if (result instanceof Error)
		why = `${result.code}: ${result.reason || ''}`;
	parser.close();
	return { messages, why };
}

const input = fs.readFileSync(0);
const lines = [];

for (let at = 0; at < input.length;) {
	const n = input.readUInt32BE(at + 1);
	const bytes = input.subarray(at + 5, at + 5 + n);

	lines.push(JSON.stringify(read(String.fromCharCode(input[at]), bytes)));
	at += 5 + n;
}
// The first line is about the reader itself.
fs.writeSync(1, JSON.stringify({
	llhttp: process.versions.llhttp,
	node: process.versions.node,
	methods,
}) + '\n');
fs.writeSync(1, lines.join('\n') + '\n');
