/* FIELD(ID, "Name", flags): what we know about header fields, one row each.
 * RFC 9110 section 7.6.1, protocol 9.1 and 9.4. */
FIELD(HOST, "Host", F_NO_REQ | F_CREDENTIAL | F_SINGLE)
