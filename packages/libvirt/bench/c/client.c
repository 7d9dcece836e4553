/* libvirt's own C client doing what the benchmark does, for comparison. Each line of its input is an order; it answers
 * with the seconds and the CPU seconds that it took.
 * The declarations are libvirt's public ABI, so that no development package is needed:
 *   cc -O2 -pthread client.c -l:libvirt.so.0 -o client
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef void *Handle;
typedef struct { char model[32]; unsigned long memory; unsigned int rest[6]; } NodeInfo;
typedef struct { Handle domain; void *params; int nparams; } StatsRecord;
extern Handle virConnectOpen(const char *);
extern int virConnectClose(Handle);
extern int virNodeGetInfo(Handle, NodeInfo *);
extern int virConnectGetAllDomainStats(Handle, unsigned int, StatsRecord ***, unsigned int);
extern void virDomainStatsRecordListFree(StatsRecord **);
extern Handle virStorageVolLookupByPath(Handle, const char *);
extern Handle virStreamNew(Handle, unsigned int);
extern int virStorageVolUpload(Handle, Handle, unsigned long long, unsigned long long, unsigned int);
extern int virStorageVolDownload(Handle, Handle, unsigned long long, unsigned long long, unsigned int);
extern int virStreamSend(Handle, const char *, size_t);
extern int virStreamRecv(Handle, char *, size_t);
extern int virStreamFinish(Handle);
extern int virStreamFree(Handle);
extern int virStorageVolFree(Handle);

static double seconds(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static double cpu(void) {
  struct rusage u; getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
static void fail(const char *what) { fprintf(stderr, "%s failed\n", what); exit(1); }

static Handle shared;
static int each;
static void *caller(void *unused) {
  NodeInfo info;
  (void)unused;
  for (int i = 0; i < each; i++) if (virNodeGetInfo(shared, &info)) fail("virNodeGetInfo");
  return NULL;
}

static void transfer(Handle conn, int isUpload, const char *path, unsigned long long size) {
  Handle volume = virStorageVolLookupByPath(conn, path), stream = virStreamNew(conn, 0);
  unsigned long long done = 0;
  size_t chunk = 262120;
  static char buffer[262120];
  if (!volume || !stream) fail("volume");
  if (isUpload) {
    if (virStorageVolUpload(volume, stream, 0, size, 0)) fail("virStorageVolUpload");
    while (done < size) {
      int n = virStreamSend(stream, buffer, size - done < chunk ? size - done : chunk);
      if (n < 0) fail("virStreamSend");
      done += n;
    }
  } else {
    if (virStorageVolDownload(volume, stream, 0, 0, 0)) fail("virStorageVolDownload");
    for (int n; (n = virStreamRecv(stream, buffer, chunk)) != 0; done += n) if (n < 0) fail("virStreamRecv");
    if (done != size) fail("download");
  }
  if (virStreamFinish(stream)) fail("virStreamFinish");
  virStreamFree(stream);
  virStorageVolFree(volume);
}

/* client URI; orders: serial COUNT | parallel COUNT | stats COUNT | upload PATH BYTES | download PATH BYTES */
int main(int argc, char **argv) {
  if (argc != 2) fail("usage");
  Handle conn = virConnectOpen(argv[1]);
  if (!conn) fail("virConnectOpen");
  char line[4096], what[32], first[4000];
  while (fgets(line, sizeof line, stdin)) {
    unsigned long long bytes = 0;
    if (sscanf(line, "%31s %3999s %llu", what, first, &bytes) < 2) fail("order");
    int n = atoi(first);
    double t = seconds(), c = cpu();
    if (!strcmp(what, "serial")) {
      NodeInfo info;
      for (int i = 0; i < n; i++) if (virNodeGetInfo(conn, &info)) fail("virNodeGetInfo");
    } else if (!strcmp(what, "parallel")) {
      pthread_t threads[64];
      shared = conn; each = n / 64;
      for (int i = 0; i < 64; i++) pthread_create(&threads[i], NULL, caller, NULL);
      for (int i = 0; i < 64; i++) pthread_join(threads[i], NULL);
    } else if (!strcmp(what, "stats")) {
      for (int i = 0; i < n; i++) {
        StatsRecord **records;
        if (virConnectGetAllDomainStats(conn, 0, &records, 0) != 200) fail("virConnectGetAllDomainStats");
        virDomainStatsRecordListFree(records);
      }
    } else transfer(conn, !strcmp(what, "upload"), first, bytes);
    printf("%.9f %.9f\n", seconds() - t, cpu() - c);
    fflush(stdout);
  }
  virConnectClose(conn);
  return 0;
}
