// One chat by axios: chat_axios.js URL plain|streamed GATE
'use strict';
const axios = require('axios');

const [url, kind, gate] = process.argv.slice(2);

async function chat() {
	const answer = await axios.post(url + '/chat/completions', {
		model: 'mastio-dev-echo',
		stream: kind === 'streamed',
		messages: [{ role: 'user', content: 'one two three' }],
	}, {
		headers: { 'X-Mastio-Gate': gate },
		responseType: kind === 'streamed' ? 'stream' : 'json',
	});
	if (kind === 'streamed')
		answer.data.pipe(process.stdout);
	else
		console.log(JSON.stringify(answer.data));
}

chat();
