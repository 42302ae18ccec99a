// One chat by undici: chat_undici.js URL plain|streamed GATE
'use strict';
const { EnvHttpProxyAgent, request, setGlobalDispatcher } = require('undici');

const [url, kind, gate] = process.argv.slice(2);

setGlobalDispatcher(new EnvHttpProxyAgent());

async function chat() {
	const answer = await request(url + '/chat/completions', {
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
	if (answer.statusCode !== 200)
		throw new Error(`status ${answer.statusCode}`);
	if (kind === 'streamed')
		answer.body.pipe(process.stdout);
	else
		console.log(JSON.stringify(await answer.body.json()));
}

chat();
