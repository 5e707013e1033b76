/*
 * The bare cost of what a capture's bodies ask for: each of them inflated
 * (zlib, in one call) and hashed (SHA-256), from memory, by two threads that
 * do nothing else.  Prints the seconds.
 *
 *	bare_bodies FILE		4 bytes length, 1 byte "is gzip", bytes
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>
#include <zlib.h>

#define OUT_MAX (16u << 20)

struct body {
	const unsigned char *p;
	uint32_t n;
	int gzip;
};

static struct body *bodies;
static size_t nbodies;
static size_t next;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *
work(void *arg)
{
	unsigned char *out = malloc(OUT_MAX), sum[32];
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	z_stream z = {0};
	size_t i, n;

	if (inflateInit2(&z, 31) != Z_OK)
		exit(1);
	while ((i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < nbodies) {
		struct body b = bodies[i];
		const unsigned char *p = b.p;

		n = b.n;
		if (b.gzip) {
			inflateReset(&z);
			z.next_in = (unsigned char *)(uintptr_t)b.p;
			z.avail_in = b.n;
			z.next_out = out;
			z.avail_out = OUT_MAX;
			if (inflate(&z, Z_FINISH) != Z_STREAM_END)
				exit(1);
			p = out;
			n = OUT_MAX - z.avail_out;
		}
		EVP_DigestInit_ex2(c, md, NULL);
		EVP_DigestUpdate(c, p, n);
		EVP_DigestFinal_ex(c, sum, NULL);
	}
	inflateEnd(&z);
	free(out);
	return arg;
}

int
main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;
	unsigned char *p, *end;
	pthread_t t[2];
	double start;

	if (fd < 0 || fstat(fd, &st) != 0)
		return 2;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	end = p + st.st_size;
	bodies = calloc((size_t)st.st_size / 64 + 1, sizeof *bodies);
	while (p < end) {
		struct body *b = &bodies[nbodies++];

		memcpy(&b->n, p, 4);
		b->gzip = p[4];
		b->p = p + 5;
		p += 5 + b->n;
	}
	start = now();
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	printf("%.4f\n", now() - start);
	return 0;
}
