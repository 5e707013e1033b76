/* Where we may connect, in every form an address can take. */
#include "cm.h"

#include <arpa/inet.h>
#include <string.h>

#include "network.h"

static bool
allowed(const struct policy *p, const char *text)
{
	struct address a;

	assert_true(address_parse(&a, text, 80));
	return policy_allows(p, &a.u.sa);
}

static void
test_refuses_what_is_not_global(void **state)
{
	static const char *const refused[] = {"127.0.0.1", "127.255.0.3",
	    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
	    "169.254.169.254", "0.0.0.0", "100.64.0.1", "198.18.0.1",
	    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
	    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1",
	    "2002:7f00:1::", "2002:c0a8:101::1", "64:ff9b::127.0.0.1",
	    "64:ff9b::10.0.0.1", "2001:0:1234::1", "fe80::1", "fc00::1",
	    "fd12::1", "ff02::1", "2001:db8::1", "100::1"};
	struct policy *p = policy_new(NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (allowed(p, refused[i]))
			fail_msg("%s is allowed", refused[i]);
	policy_free(p);
}

static void
test_allows_global_unicast(void **state)
{
	static const char *const fine[] = {"175.45.176.81", "8.8.8.8",
	    "172.15.0.1", "172.32.0.1", "2606:4700::1", "2a00:1450::1",
	    "::ffff:175.45.176.71", "64:ff9b::175.45.176.71"};
	struct policy *p = policy_new(NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (!allowed(p, fine[i]))
			fail_msg("%s is refused", fine[i]);
	policy_free(p);
}

static void
test_operator_opens_a_network_by_name(void **state)
{
	char *nets[] = {(char *)"10.1.0.0/16", (char *)"fd00:1::/32",
	    (char *)"127.0.0.1"};
	struct policy *p = policy_new(nets, 3);

	(void)state;
	assert_true(allowed(p, "10.1.255.255"));
	assert_false(allowed(p, "10.2.0.1"));
	assert_true(allowed(p, "::ffff:10.1.0.1"));
	assert_true(allowed(p, "fd00:1::5"));
	assert_false(allowed(p, "fd00:2::5"));
	assert_true(allowed(p, "127.0.0.1"));
	assert_false(allowed(p, "127.0.0.2"));
	policy_free(p);
	assert_false(policy_cidr_valid("10.0.0.0/33"));
	assert_false(policy_cidr_valid("example.com"));
	assert_false(policy_cidr_valid("10.0.0.0/"));
	assert_true(policy_cidr_valid("::/0"));
}

static void
address_texts(void **state)
{
	char want[ADDRESS_TEXT_MAX], got[ADDRESS_TEXT_MAX];
	static const unsigned char bytes[] = {0, 1, 9, 10, 99, 100, 109, 200,
	    255};
	struct in_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof bytes * 4; i++) {
		unsigned char raw[4] = {7, 70, 107, 250};

		raw[i % 4] = bytes[i / 4];
		memcpy(&a, raw, sizeof a);
		inet_ntop(AF_INET, &a, want, sizeof want);
		assert_string_equal(ipv4_text(&a, got), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refuses_what_is_not_global),
	    cmocka_unit_test(test_allows_global_unicast),
	    cmocka_unit_test(test_operator_opens_a_network_by_name),
	    cmocka_unit_test(address_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
