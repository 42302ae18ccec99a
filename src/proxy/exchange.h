/*
 * exchange: one request and its answer.  exchange.c is the request's life from
 * top to bottom: admit, route, token, lease, hold, send, body, answer, judge,
 * relay, finish, flush, done; tunnel.c is what CONNECT and WebSocket do instead
 * of the relay.
 *
 * Threads: its worker's.  Embedded in the client; reset between requests.
 */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "auth/dpop.h"
#include "auth/verdict.h"
#include "http/sse.h"
#include "net/relay.h"
#include "proxy/worker.h"

enum end {
#define END(code, status, token, retry, meaning, cure) END_##code,
#include "tbl/end.h"
#undef END
	END_COUNT
};

enum end_retry {
	RETRY_NO,
	RETRY_YES,
	RETRY_IDEMPOTENT, /* it may have run: only if that does no harm */
};

struct end_row {
	const char *code; /* "NO_TOKEN" */
	unsigned status;
	const char *token;
	enum end_retry retry;
	const char *meaning, *cure;
};
const struct end_row *end_row(enum end);
/* How an exchange ends that gets no connection. */
enum end end_of_lease(enum lease_failure);

struct step;

struct exchange {
	const struct step *step; /* NULL: no exchange */
	struct client *c;
	struct worker *w;
	struct view *view;
	const struct route *route;
	enum route_auth auth; /* whose credentials this request carries */
	TAILQ_ENTRY(exchange) token_link;
	bool parked;          /* on w->token_waiters */
	int64_t token_due_ms; /* when this wait ends, 0 = has not begun */

	/* the request */
	struct headbox *box;
	struct head req;
	struct target target;
	enum path_class class; /* of the path, if it is the gateway's */
	struct framing req_framing;
	bool upgrade;     /* it asks for WebSocket, */
	bool shakes;      /* and so does this attempt */
	bool court;       /* it holds the one socket to the Court, */
	bool court_part;  /* of whose first message has come in fragments */
	int64_t busy_ms;  /* or waits for it since */
	bool answer_here; /* OPTIONS that goes no further */
	uint64_t hops;    /* Max-Forwards of OPTIONS */
	bool tunnel;      /* past its heads: bytes both ways */
	struct relay up;
	struct replay kept;

	/* the answer */
	struct lease lease;
	struct headbox *res_box; /* until the answer's head has gone on */
	struct head res;
	struct framing res_framing;
	struct relay down;
	struct replay judged; /* start of a body that may be about us; or of
			       * the Court's first message */
	size_t judged_room;
	bool answered;        /* a byte of this attempt's answer came */
	bool answer_begun;    /* something of the final answer went out */
	bool answer_keeps;    /* and the gateway keeps its connection */
	uint64_t sent_before; /* conn's count when this attempt began */
	uint64_t seen_received, seen_sent; /* at the last look, by relay */
	int64_t heard_ms;                  /* when the gateway last sent some */
	struct sse sse;

	/* what has been tried */
	bool fresh;         /* lease a new connection */
	int64_t refused_ms; /* when the gateway first refused one, or 0 */
	unsigned reconnects;
	uint64_t refused_token; /* generation that the gateway refused */
	unsigned attempts, nonce_retries, interim;
	unsigned tries[VERDICT_TERMINAL + 1];
	unsigned bases; /* guesses of the htu base that were refused */
	char htu_base[VERDICT_BASE_MAX + 1]; /* learned for this request */
	bool by_key;                         /* API key in a token's place */
	bool proof;                          /* this attempt has one */
	bool proofless;                      /* none was taken: go without */
	bool proof_wanted;                   /* the gateway has asked for one */
	const struct step *then;             /* after the pause */
	struct {
		bool looked;       /* at the body, if it could be */
		bool unseen;       /* it could not, look when it is sent */
		bool waited;       /* the connection may have been closed */
		bool notification; /* that is what it is */
		bool waiting;      /* counted among those that wait */
		bool open;         /* counted among those without answer */
		bool under_way;    /* the door is closed for it */
		int64_t go_ms;     /* then it goes at the latest */
		int64_t held_ms;   /* since then it waits, 0 = did not */
		unsigned resends;
	} mcp;
	bool probe; /* it goes to see whether a circuit may be closed */
	bool shed;  /* it was, once */

	/* how it ends */
	struct timer timer;
	enum end end;
	unsigned status; /* that the client got, 0 = none */
	bool streaming;  /* counted in streams_open */
	bool cut;        /* the client has not got all that was sent */
	bool keep;       /* the client's connection may be used again */
	struct verdict_words says; /* instead of end.h, if there is a code */
	char *words;               /* that says.message is, owned, or NULL */
	char *gateway_reason,
	    *gateway_hint;      /* what it said, printable, or NULL */
	unsigned retry_after_s; /* 0 = as the status has it */
	char detail[300];       /* what exactly failed, for body and log */

	/* for the access line */
	int64_t start_us, sent_us, first_us, auth_us;
	char request_id[129];
	char jti[DPOP_JTI_LEN + 1];
	char trace[65]; /* X-Cullis-Trace of the answer */
	bool reused;
	uint64_t bytes_in, bytes_out;
};

/* May the request run twice (RFC 9110 section 9.2.2)? */
bool exchange_is_idempotent(const struct exchange *);
/* Is the gateway that it began with still the one that new requests go to?
 * What another one says must not be noted for that. */
bool exchange_gateway_is_live(const struct exchange *);

/* A complete request head has been read into box; begins to run. */
void exchange_start(
    struct exchange *, struct client *, struct headbox *, const struct head *);
/* The head could not be read: answer that, and end. */
void exchange_refuse(
    struct exchange *, struct client *, enum end, const char *detail);

/* Something that the exchange may wait for has happened. */
void exchange_run(struct exchange *);
/* A new view is there: stop waiting for a token and look at it. */
void exchange_unpark(struct exchange *);
/* The client's connection is of no more use. */
void exchange_client_gone(struct exchange *);
/* End now with this reason, whatever it waits for. */
void exchange_abort(struct exchange *, enum end);

#endif
