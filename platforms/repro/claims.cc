// What a repro checks after a step, and how it sets itself up: plain C, kept as text.
#include <string_view>

#include "platforms/repro/prelude.h"

namespace ipcspec {
namespace {

struct Claim {
  std::string_view name;
  std::string_view text;
};

constexpr Claim kClaims[] = {
    {"await", R"C(
/* Waits until the call that the task is in has returned; a hang is seen by what follows. */
static void await(int step, int task, const char *call) {
  printf("%d: t%d %s\n", step, task, call);
  while (LOAD(s->task[task].order) != 0 && now_ms() - began < 15000) sched_yield();
  settle();
  report(LOAD(s->task[task].begun));
}
)C"},
    {"asleep", R"C(
static int asleep(int step) {
  if (LOAD(s->record[step].done) && known[step].timed) no_verdict(); /* its time was over already */
  if (!LOAD(s->record[step].done) && !tasks[known[step].task].dead) return 1;
  return complain(step, "only that it sleeps");
}
)C"},
    {"is_back", R"C(
/* The call of the step has returned. One with a timeout gets the time that it takes. */
static int is_back(int step, const char *allowed, long want) {
  known[step].claimed = 1;
  while (known[step].timed && !LOAD(s->record[step].done) && now_ms() - began < 15000) sched_yield();
  return LOAD(s->record[step].done) || complain(step, allowed, want);
}
)C"},
    {"returned", R"C(
static int returned(int step, long want) {
  struct record *r = &s->record[step];
  if (!is_back(step, "%ld", want)) return 0;
  return (r->error == 0 && r->ret == want) || complain(step, "%ld", want);
}
)C"},
    {"returned_any", R"C(
static int returned_any(int step) {
  return is_back(step, "that it succeeds", 0) &&
         (s->record[step].error == 0 || complain(step, "that it succeeds"));
}
)C"},
    {"returned_in", R"C(
/* Of a range. What follows is only known where it is the usual number. */
static int returned_in(int step, long least, long most, long usual) {
  struct record *r = &s->record[step];
  if (!is_back(step, "at least %ld", least)) return 0;
  if (r->error != 0 || r->ret < least || most < r->ret)
    return complain(step, "a number from %ld to %ld", least, most);
  detour |= r->ret != usual;
  return 1;
}
)C"},
    {"failed", R"C(
/* With one of `count` errors. */
static int failed(int step, const char *names, int count, ...) {
  struct record *r = &s->record[step];
  int fits = 0;
  va_list errors;
  known[step].claimed = 1;
  while (known[step].timed && !LOAD(r->done) && now_ms() - began < 15000) sched_yield();
  va_start(errors, count);
  while (count-- > 0) fits |= r->error == va_arg(errors, int);
  va_end(errors);
  return (LOAD(r->done) && fits) || complain(step, "-1 %s", names);
}
)C"},
    {"got", R"C(
/* The step read these bytes. */
static int got(int step, const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size && s->data[step][at] == bytes[at]) at++;
  return at == size || complain(step, "other data: byte %zu is %d, not %d", at,
                                s->data[step][at] & 255, bytes[at] & 255);
}
)C"},
    {"number", R"C(
/* The number `index` that came out of the step is `want`, in the bits of `mask`. */
static int number(int step, int index, long mask, long want) {
  long value = s->record[step].value[index];
  return (value & mask) == (want & mask) ||
         complain(step, "other numbers: number %d is %ld, not %ld", index, value, want);
}
)C"},
    {"numbers", R"C(
/* These `count` numbers came out of the step. */
static int numbers(int step, int count, ...) {
  struct record *r = &s->record[step];
  int fits = r->values == count;
  va_list values;
  va_start(values, count);
  for (int i = 0; i < count; i++) fits &= r->value[i] == va_arg(values, int);
  va_end(values);
  return fits || complain(step, "other numbers");
}
)C"},
    {"died", R"C(
/* The task ended, with this wait status; whether there is a core dump does not count. */
static int died(int task, int status) {
  tasks[task].claimed = 1;
  if (tasks[task].dead && (tasks[task].status == -1 || (tasks[task].status & ~0x80) == status))
    return 1;
  if (have_complaint++ == 0)
    snprintf(complaint, sizeof complaint, "t%d %s; documents (signal(7)) allow only that it ends"
             " with wait status 0x%x", task, tasks[task].dead ? "ended otherwise" : "lives on",
             (unsigned)status);
  return 0;
}
)C"},
    {"handled", R"C(
/* The task ran its handler of the signal, `count` times. Claimed here, checked in the end. */
static int handled(int task, int signal, int count) {
  tasks[task].handled[signal] += count;
  return 1;
}
)C"},
};

constexpr std::string_view kSetup = R"C(
/* ---- Setting up */

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1 || write(fd, text, strlen(text)) == -1) give_up(path);
  close(fd);
}

/* User 0, with namespaces of its own; in a user namespace where this is not run as root. */
static void isolate(void) {
  char text[4096], map[64];
  int flags = (OWN_IPC ? CLONE_NEWIPC : 0) | (OWN_MOUNTS ? CLONE_NEWNS : 0);
  int uid = (int)geteuid(), gid = (int)getegid(), isolated = 0;
  if (read_proc(getpid(), "status", text, sizeof text) > 0 && strstr(text, "CapEff:") != NULL) {
    unsigned long long has = strtoull(strstr(text, "CapEff:") + 7, NULL, 16);
    unsigned long long users = 1 << 0 | 1 << 6 | 1 << 7;             /* CHOWN, SETGID, SETUID */
    unsigned long long needed = 1 << 1 | 1 << 15 | 1 << 21 | 1 << 24; /* as far as IPC goes */
    many_users = uid == 0 && (has & users) == users;
    privileged = uid == 0 && (has & needed) == needed;
  }
  isolated = uid == 0 && unshare(flags) == 0;
  if (!isolated && unshare(flags | CLONE_NEWUSER) == 0) {
    isolated = 1;
    many_users = privileged = 0;
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %d 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %d 1", gid);
    write_file("/proc/self/gid_map", map);
  }
  if (geteuid() != 0) give_up("run this as root: no user namespace can be had");
  if (NEED_ROOT && !many_users) give_up("run this as root: a task becomes another user");
  if (!isolated && (NEED_OWN_IPC || OWN_MOUNTS)) give_up("run this as root: it needs namespaces");
  if (OWN_MOUNTS && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) give_up("mount");
  if (OWN_SHM && mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") != 0) give_up("/dev/shm");
  if (OWN_QUEUES && mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL) != 0) give_up("/dev/mqueue");
}

/* Maps what is shared; also after execve. */
static void map_shared(void) {
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
  if (s == MAP_FAILED) _exit(2);
}

static void set_up(void) {
  sigset_t none;
  struct rlimit files, core = {1, 1}; /* not 0: also no program is started to take core dumps */
  setvbuf(stdout, NULL, _IOLBF, 0);
  began = now_ms();
  for (int signal = 1; signal < 65; signal++)
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come here, and are killed in the end */
  if (sysconf(_SC_PAGESIZE) != 4096) give_up("what it expects holds for pages of 4096 bytes");
  isolate();

  const char *tmp = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/repro.XXXXXX", tmp != NULL ? tmp : "/tmp");
  if (mkdtemp(directory) == NULL) {
    directory[0] = '\0';
    give_up("cannot make a directory");
  }
  if (chmod(directory, 0777) != 0 || chdir(directory) != 0) give_up(directory);
  umask(022);

  /* The memory is known by a high descriptor, which is in nobody's way, for execve. */
  getrlimit(RLIMIT_NOFILE, &files);
  rlim_t most = files.rlim_max;
  files.rlim_cur = most;
  setrlimit(RLIMIT_NOFILE, &files);
  int fd = (int)syscall(SYS_memfd_create, "repro", 0);
  shared_fd = fcntl(fd, F_DUPFD, most > 2000 ? 2000 : (int)most - 1);
  if (shared_fd == -1 || ftruncate(shared_fd, sizeof *s) != 0) give_up("no shared memory");
  files.rlim_cur = most < 1024 ? most : 1024;
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_CORE, &core);
  map_shared();

  fflush(NULL);
  int parent = getpid();
  int pid = fork();
  if (pid == 0) { /* task 0: descriptors 0 to 2 only */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(2);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(null, i);
    for (int i = 3; i < shared_fd; i++) close(i);
    STORE(s->task[0].pid, getpid());
    serve();
  }
  if (pid == -1) give_up("fork");
  s->task[0].pid = pid;
  sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
  settle();
  if (tasks[0].dead) give_up("/proc does not show processes");
}
)C";

}  // namespace

std::string ReproClaims(const std::set<std::string, std::less<>>& claims) {
  std::string out;
  for (const Claim& claim : kClaims) {
    if (claims.contains(claim.name)) out += claim.text;
  }
  return out;
}

std::string ReproSetup() { return std::string(kSetup); }

}  // namespace ipcspec
