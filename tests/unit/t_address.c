/*
 * t_address: which addresses are never dialled, in every form that they can
 * take.
 */
#include "base/address.h"

#include "unit.h"

static struct sockaddr_storage
read_address(const char *text, uint16_t port)
{
	struct sockaddr_storage sa;

	ck_assert_msg(address_read(text, port, &sa), "%s", text);
	return sa;
}

#define LOOPBACK "a loopback address"
#define LINK_LOCAL "a link-local address"
#define METADATA "a metadata address"
#define UNSPECIFIED "an unspecified address"
#define MULTICAST "a multicast address"
#define RESERVED "a reserved address"

static const struct {
	const char *text, *why; /* NULL: may be dialled */
} rows[] = {
    /* IPv4 (RFC 6890) */
    {"192.0.2.1", NULL},
    {"10.0.0.1", NULL},
    {"100.64.0.1", NULL},
    {"172.16.0.1", NULL},
    {"192.168.1.1", NULL},
    {"1.1.1.1", NULL},
    {"0.0.0.0", UNSPECIFIED},
    {"0.1.2.3", UNSPECIFIED},
    {"127.0.0.1", LOOPBACK},
    {"127.255.255.255", LOOPBACK},
    {"126.255.255.255", NULL},
    {"128.0.0.1", NULL},
    {"169.254.0.1", LINK_LOCAL},
    {"169.254.169.254", LINK_LOCAL},
    {"169.254.170.2", LINK_LOCAL},
    {"169.253.255.255", NULL},
    {"169.255.0.0", NULL},
    {"100.100.100.200", METADATA},
    {"100.100.100.201", NULL},
    {"168.63.129.16", METADATA},
    {"192.0.0.192", METADATA},
    {"224.0.0.1", MULTICAST},
    {"239.255.255.255", MULTICAST},
    {"240.0.0.1", RESERVED},
    {"255.255.255.255", RESERVED},
    {"223.255.255.255", NULL},

    /* IPv6 (RFC 4291) */
    {"2001:db8::1", NULL},
    {"fd00::1", NULL},
    {"2606:4700::1111", NULL},
    {"::", UNSPECIFIED},
    {"::1", LOOPBACK},
    {"::2", UNSPECIFIED},
    {"fe80::1", LINK_LOCAL},
    {"febf::1", LINK_LOCAL},
    {"fec0::1", "a site-local address"},
    {"fe7f::1", NULL},
    {"ff02::1", MULTICAST},
    {"fd00:ec2::254", METADATA},
    {"fd00:ec2::253", NULL},
    {"fd20:ce::254", METADATA},
    {"fd00:42::42", METADATA},

    /* 4291 2.5.5.2: mapped; 2.5.5.1: compatible; 2765: translated */
    {"::ffff:192.0.2.1", NULL},
    {"::ffff:127.0.0.1", LOOPBACK},
    {"::ffff:169.254.169.254", LINK_LOCAL},
    {"::ffff:100.100.100.200", METADATA},
    {"::ffff:0.0.0.0", UNSPECIFIED},
    {"::192.0.2.1", NULL},
    {"::127.0.0.1", LOOPBACK},
    {"::ffff:0:192.0.2.1", NULL},
    {"::ffff:0:127.0.0.1", LOOPBACK},

    /* 6052 2.1: NAT64, the well-known prefix */
    {"64:ff9b::192.0.2.1", NULL},
    {"64:ff9b::127.0.0.1", LOOPBACK},
    {"64:ff9b::169.254.169.254", LINK_LOCAL},
    {"64:ff9b::0.0.0.0", UNSPECIFIED},

    /* 8215: any length of 6052 2.2 under the local-use prefix */
    {"64:ff9b:1::192.0.2.1", NULL},
    {"64:ff9b:1::169.254.169.254", LINK_LOCAL},
    {"64:ff9b:1::127.0.0.1", LOOPBACK},
    {"64:ff9b:1:c000:2:100::", NULL},              /* /48, 192.0.2.1 */
    {"64:ff9b:1:a9fe:a9:fe00::", LINK_LOCAL},      /* /48 */
    {"64:ff9b:1:7f00:0:100::", LOOPBACK},          /* /48 */
    {"64:ff9b:1:a9:fe:a9fe::", LINK_LOCAL},        /* /56 */
    {"64:ff9b:1:117f:0:1::", LOOPBACK},            /* /56 */
    {"64:ff9b:1::a9:fea9:fe00:0", LINK_LOCAL},     /* /64 */
    {"64:ff9b:1:1234:7f:0:100:0", LOOPBACK},       /* /64 */
    {"64:ff9b:1:abcd:12:3456:a9fe:1", LINK_LOCAL}, /* /96 */
    {"64:ff9b:1::", UNSPECIFIED},
    {"64:ff9b:2::127.0.0.1", NULL},

    /* 3056 2: 6to4 */
    {"2002:c000:201::1", NULL},
    {"2002:7f00:1::1", LOOPBACK},
    {"2002:a9fe:a9fe::1", LINK_LOCAL},
    {"2002:6464:64c8::", METADATA},
    {"2002::1", UNSPECIFIED},

    /* 4380 4: Teredo, server and client, whose bits are flipped */
    {"2001:0:c000:201:0:0:3fff:fdfe", NULL},
    {"2001:0:c000:201:0:0:80ff:fffe", LOOPBACK},
    {"2001:0:c000:201:0:0:5601:5601", LINK_LOCAL},
    {"2001:0:7f00:1:0:0:3fff:fdfe", LOOPBACK},
    {"2001:0:a9fe:1:0:0:3fff:fdfe", LINK_LOCAL},

    /* 5214 6.1: ISATAP */
    {"2001:db8::5efe:192.0.2.1", NULL},
    {"2001:db8::5efe:127.0.0.1", LOOPBACK},
    {"2001:db8::200:5efe:169.254.169.254", LINK_LOCAL},
    {"2001:db8::100:5efe:127.0.0.1", NULL},
};

START_TEST(what_is_dialled)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage sa = read_address(rows[i].text, 80);
		const char *why = address_refusal((struct sockaddr *)&sa);

		ck_assert_msg(span_eq(span_of(why), span_of(rows[i].why)),
		    "%s is %s, not %s", rows[i].text, why ? why : "fine",
		    rows[i].why ? rows[i].why : "fine");
	}
}
END_TEST

START_TEST(nothing_but_ip)
{
	const struct sockaddr other = {.sa_family = AF_UNIX};

	ck_assert_str_eq(address_refusal(&other), "not an IP address");
	ck_assert_uint_eq(address_port(&other), 0);
	ck_assert(!address_is_any(&other));
	ck_assert(!address_same_host(&other, &other));
}
END_TEST

START_TEST(one_host_in_several_forms)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.1", "::ffff:192.0.2.1", true},
	    {"64:ff9b::192.0.2.1", "192.0.2.1", true},
	    {"64:ff9b::192.0.2.1", "::ffff:192.0.2.1", true},
	    {"2002:c000:201::5", "192.0.2.1", true},
	    {"2001:db8::1", "2001:db8:0::1", true},
	    {"2001:db8::1", "2001:db8::2", false},
	    {"2001:db8::1", "192.0.2.1", false},
	};

	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct sockaddr_storage a = read_address(pairs[i].a, 1);
		struct sockaddr_storage b = read_address(pairs[i].b, 2);
		struct sockaddr *pa = (struct sockaddr *)&a;
		struct sockaddr *pb = (struct sockaddr *)&b;

		ck_assert_msg(address_same_host(pa, pb) == pairs[i].same &&
				  address_same_host(pb, pa) == pairs[i].same,
		    "%s and %s", pairs[i].a, pairs[i].b);
	}
}
END_TEST

START_TEST(text)
{
	static const char *const bad[] = {"", "localhost", "127.1", "1.2.3",
	    "0x7f.0.0.1", "[::1]", "::1%lo", "1.2.3.4.5", "192.0.2.01:80"};
	struct sockaddr_storage sa;

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!address_read(bad[i], 80, &sa), "%s", bad[i]);
	sa = read_address("0.0.0.0", 7780);
	ck_assert(address_is_any((struct sockaddr *)&sa));
	ck_assert_uint_eq(address_port((struct sockaddr *)&sa), 7780);
	sa = read_address("::", 7781);
	ck_assert(address_is_any((struct sockaddr *)&sa));
	ck_assert_uint_eq(address_port((struct sockaddr *)&sa), 7781);
	sa = read_address("::1", 1);
	ck_assert(!address_is_any((struct sockaddr *)&sa));
}
END_TEST

UNIT_MAIN(
    "address", what_is_dialled, nothing_but_ip, one_host_in_several_forms, text)
