// One chat by undici's fetch: chat_undici_fetch.js URL plain|streamed GATE
'use strict';
const { EnvHttpProxyAgent, fetch, setGlobalDispatcher } = require('undici');

const [url, kind, gate] = process.argv.slice(2);

setGlobalDispatcher(new EnvHttpProxyAgent());

async function chat() {
	const answer = await fetch(url + '/chat/completions', {
		method: 'POST',
		headers: {
			'Content-Type': 'application/json',
			'X-Mastio-Gate': gate,
		},
		body: JSON.stringify({
			model: 'mastio-dev-echo',
			stream: kind === 'streamed',
			messages: [{ role: 'user', content: 'one two three' }],
		}),
	});
	if (!answer.ok)
		throw new Error(`status ${answer.status}`);
	for await (const part of answer.body)
		process.stdout.write(part);
}

chat();
