/*
 * labguest: the only workload of the tiny guest. Started by its init:
 *   labguest name=N chk=MB dirty=MB/s
 *
 * Every second it prints one line on the console. The line tells whether the guest's state survived
 * what was done to the VM (migration, save and restore, storage outage):
 *   boot, count     the same boot id, and a counter without a jump: it was never restarted
 *   gap             the longest time, in seconds, in which it did not run
 *   memerr          words of chk MB of patterned memory that changed
 *   dirtyerr        pages, of those rewritten all the time (dirty MB/s), that lost their last write
 *   diskok, diskerr blocks written to /dev/vda with O_DIRECT, one a second, that read back right or wrong
 * TCP port 7 answers every connection with the last line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCKS_MAX = 64, TICKS_PER_SECOND = 20 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* A value that cannot be right by chance. */
static uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

static void *map_memory(size_t bytes) {
  void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("labguest: memory");
    exit(1);
  }
  return memory;
}

/* Patterned memory that is only read: an eighth of it is checked every second. */
static struct {
  uint64_t *words;
  size_t count, next;
  uint64_t errors;
} still;

static void still_start(size_t megabytes) {
  still.count = megabytes << 17;
  if (still.count == 0) return;
  still.words = map_memory(still.count * 8);
  for (size_t i = 0; i < still.count; i++) still.words[i] = mix(i + 12345);
}

static void still_check(void) {
  for (size_t n = still.count / 8; n > 0; n--) {
    if (still.words[still.next] != mix(still.next + 12345)) still.errors++;
    if (++still.next >= still.count) still.next = 0;
  }
}

/* Memory that is rewritten all the time, page after page, each with the number of its round. */
static struct {
  uint8_t *bytes;
  size_t size, next;
  uint64_t round, errors;
} busy;

static void busy_start(size_t megabytes_per_second) {
  busy.size = megabytes_per_second << 20;
  if (busy.size > 0) busy.bytes = map_memory(busy.size);
}

static uint64_t *busy_page(size_t offset) { return (uint64_t *)(busy.bytes + offset); }

static void busy_tick(void) {
  for (size_t done = 0; done < busy.size / TICKS_PER_SECOND; done += PAGE) {
    *busy_page(busy.next) = busy.round + 1;
    busy.next += PAGE;
    if (busy.next >= busy.size) {
      busy.next = 0;
      busy.round++;
    }
  }
}

static void busy_check(void) {
  for (size_t offset = 0; offset < busy.size; offset += PAGE) {
    uint64_t expected = offset < busy.next ? busy.round + 1 : busy.round;
    if (*busy_page(offset) != expected) {
      busy.errors++;
      *busy_page(offset) = expected;
    }
  }
}

/* Blocks in the second half of the first disk (the first half may hold a boot area). */
static struct {
  int file;
  uint64_t first, blocks, ok, errors;
  uint64_t *buffer;
} disk;

static void disk_start(void) {
  uint64_t bytes = 0;
  disk.file = open("/dev/vda", O_RDWR | O_DIRECT | O_SYNC);
  if (disk.file < 0 || ioctl(disk.file, BLKGETSIZE64, &bytes) < 0) return;
  if (posix_memalign((void **)&disk.buffer, PAGE, PAGE) != 0) return;
  disk.first = bytes / 2 / PAGE;
  disk.blocks = bytes / PAGE / 4;
  if (disk.blocks > BLOCKS_MAX) disk.blocks = BLOCKS_MAX;
}

static off_t disk_offset(uint64_t count) { return (off_t)((disk.first + count % disk.blocks) * PAGE); }

static void disk_write(uint64_t count) {
  for (int i = 0; i < PAGE / 8; i++) disk.buffer[i] = mix(count * 512 + i);
  disk.buffer[0] = count;
  if (pwrite(disk.file, disk.buffer, PAGE, disk_offset(count)) != PAGE) disk.errors++;
}

/* Reads back one of the blocks written before `count` that is still there. */
static void disk_check(uint64_t count) {
  uint64_t kept = count - 1 < disk.blocks - 1 ? count - 1 : disk.blocks - 1;
  if (kept == 0) return;
  uint64_t earlier = count - 1 - (count * 7) % kept;
  int right = pread(disk.file, disk.buffer, PAGE, disk_offset(earlier)) == PAGE && disk.buffer[0] == earlier &&
              disk.buffer[7] == mix(earlier * 512 + 7);
  if (right) disk.ok++;
  else disk.errors++;
}

static int listen_on(uint16_t port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (void *)&any, sizeof any) < 0 || listen(listener, 8) < 0) perror("labguest: port 7");
  return listener;
}

static void boot_id(char *text, size_t size) {
  int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
  ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
  text[length > 0 ? length : 0] = 0;
  if (file >= 0) close(file);
}

static size_t option(int argc, char **argv, const char *name, size_t otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], name, length) == 0) return strtoul(argv[i] + length, 0, 10);
  return otherwise;
}

static void say(int to, const char *line) {
  if (write(to, line, strlen(line)) < 0) return; /* nobody listens: the next line will say it again */
}

int main(int argc, char **argv) {
  const char *name = "guest";
  char boot[9], line[256] = "";
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], "name=", 5) == 0) name = argv[i] + 5;
  boot_id(boot, sizeof boot);
  still_start(option(argc, argv, "chk=", 8));
  busy_start(option(argc, argv, "dirty=", 0));
  disk_start();
  int listener = listen_on(7);

  uint64_t count = 0;
  double next = now(), last = next, gap = 0;
  for (;;) {
    double t = now();
    if (t - last > gap) gap = t - last;
    last = t;
    busy_tick();
    if (t >= next) {
      next = next + 1.0 < t ? t + 1.0 : next + 1.0;
      count++;
      still_check();
      busy_check();
      if (disk.blocks > 0) {
        disk_write(count);
        disk_check(count);
      }
      snprintf(line, sizeof line,
               "LAB name=%s boot=%s count=%llu up=%.1f gap=%.2f memerr=%llu dirtyerr=%llu diskok=%llu diskerr=%llu\n", name,
               boot, (unsigned long long)count, t, gap, (unsigned long long)still.errors, (unsigned long long)busy.errors,
               (unsigned long long)disk.ok, (unsigned long long)disk.errors);
      gap = 0;
      say(1, line);
    }
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, 1000 / TICKS_PER_SECOND) > 0) {
      int peer = accept(listener, 0, 0);
      if (peer >= 0) {
        say(peer, line);
        close(peer);
      }
    }
  }
}
