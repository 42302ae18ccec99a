#!/bin/sh
# One chat by curl: chat_curl.sh URL plain|streamed GATE
set -eu
stream=false
[ "$2" = plain ] || stream=true
exec curl -sSNf --max-time 60 -H "Content-Type: application/json" \
	-H "X-Mastio-Gate: $3" -d '{"model":"mastio-dev-echo","stream":'$stream',
	"messages":[{"role":"user","content":"one two three"}]}' \
	"$1/chat/completions"
