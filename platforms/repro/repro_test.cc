// Repro programs are compiled and run on the kernel beneath: as they are they show no fault; with a
// call that behaves as a broken kernel's would, or with a wrong expectation, they do.
#include "platforms/repro/repro.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "impl/call/cat.h"
#include "platforms/repro/plan.h"

namespace ipcspec {
namespace {

using testing::HasSubstr;

Program Parse(std::string_view steps) {
  const absl::StatusOr<Program> program = ParseProgram(Cat("ipcspec program 1\n", steps));
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? *program : Program();
}

struct Ran {
  int status = -1;
  std::string output;
};

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int Shell(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Repro : public testing::Test {
 protected:
  void SetUp() override {
    if (Shell("command -v gcc >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no gcc here";
    std::string directory = Cat(testing::TempDir(), "/repro_test.XXXXXX");
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  // Builds without a warning, and runs.
  Ran BuildAndRun(const std::string& text, std::string_view flags = "") {
    const std::string base = Cat(directory_, "/repro");
    std::ofstream(Cat(base, ".c")) << text;
    EXPECT_EQ(Shell(Cat("gcc -O1 -Wall -Wextra -Werror ", flags, " -o ", base, " ", base, ".c 2> ",
                        base, ".err")),
              0)
        << Contents(Cat(base, ".err")) << text;
    Ran ran;
    ran.status = Shell(Cat(base, " > ", base, ".out 2>&1"));
    ran.output = Contents(Cat(base, ".out"));
    return ran;
  }

 private:
  std::string directory_;
};

struct Case {
  std::string_view name;
  std::string_view steps;
  std::string_view from, to;  // what is broken in the C text
  std::string_view fault;     // and what is then said
};

constexpr Case kCases[] = {
    {"a pipe carries bytes",
     "1: t0 pipe2()\n2: t0 write(fd=@1.1, data=\"a\\\"b\\n\")\n3: t0 read(fd=@1.0, count=9)\n",
     "write(writer1, \"a\\\"b\\012\", 4)", "write(writer1, \"a\\\"c\\012\", 4)",
     "FAULT: step 3 read(fd=@1.0, count=9) returned 4 \"a\"c\\012\"; documents (read(2), "
     "pipe(7)) "
     "allow other data: byte 2 is 99, not 98"},
    {"a long write",
     "1: t0 pipe2()\n2: t0 write(fd=@1.1, data=pattern(A, 5, 9000)+\"x\"*99)\n"
     "3: t0 read(fd=@1.0, count=20000)\n",
     "start(); pattern('A', 5, 9000)", "start(); pattern('A', 6, 9000)", "byte 1 is 46, not 48"},
    {"a lost wake-up",
     "1: t0 pipe2()\n2: t0 fork()\n3: t2 read(fd=@1.0, count=9)\n4: t0 write(fd=@1.1, "
     "data=\"x\")\n",
     "return write(writer1, \"x\", 1);", "return 1;",
     "FAULT: step 3 read(fd=@1.0, count=9) sleeps; documents (read(2), pipe(7)) allow 1"},
    {"a call that should sleep", "1: t0 pipe2()\n2: t0 fork()\n3: t2 read(fd=@1.0, count=9)\n",
     "return read(reader1, IN, 9);", "return 0;",
     "FAULT: step 3 read(fd=@1.0, count=9) returned 0; documents (read(2), pipe(7)) allow only "
     "that "
     "it sleeps"},
    {"one of two readers",
     "1: t0 pipe2()\n2: t0 fork()\n3: t0 fork()\n4: t2 read(fd=@1.0, count=9)\n"
     "5: t3 read(fd=@1.0, count=9)\n6: t0 write(fd=@1.1, data=\"x\")\n",
     "return write(writer1, \"x\", 1);", "return close(writer1) + 1;", "FAULT: step 4"},
    {"an open that waits",
     "1: t0 mkfifo(path=\"f\")\n2: t0 fork()\n3: t2 open(path=\"f\")\n"
     "4: t0 open(path=\"f\", flags=O_WRONLY)\n5: t0 stat(path=\"f\")\n",
     "return open(\"f\", O_RDONLY);", "return open(\"f\", O_RDONLY|O_NONBLOCK);",
     "FAULT: step 3 open(path=\"f\") returned 3; documents (open(2), fifo(7), mkfifo(3)) allow "
     "only "
     "that it sleeps"},
    {"a write that kills",
     "1: t0 pipe2()\n2: t0 close(fd=@1.0)\n3: t0 fork()\n4: t3 write(fd=@1.1, data=\"x\")\n"
     "5: t0 wait(target=3)\n",
     "return write(writer1, \"x\", 1);", "return errno = EPIPE, -1;", "t3 lives on"},
    {"a handler",
     "1: t0 pipe2()\n2: t0 fork()\n3: t2 sigaction(signal=SIGUSR1, disposition=handle)\n"
     "4: t2 read(fd=@1.0, count=9)\n5: t0 kill(target=2, signal=SIGUSR1)\n",
     "handle(SIGUSR1, 0)", "handle(SIGUSR1, SA_RESTART)",
     "FAULT: step 4 read(fd=@1.0, count=9) sleeps; documents (read(2), pipe(7)) allow -1 EINTR"},
    {"a handler that does not run",
     "1: t0 sigaction(signal=SIGUSR1, disposition=handle)\n2: t0 kill(target=0, signal=SIGUSR1)\n",
     "return kill(pid_of(0), SIGUSR1);", "return kill(pid_of(0), 0);",
     "FAULT: t0 ran its handler of signal 10 0 times"},
    {"a blocked signal stays pending",
     "1: t0 sigprocmask(how=block, signal=SIGTERM)\n2: t0 kill(target=0, signal=SIGTERM)\n"
     "3: t0 sigpending()\n",
     "SIG_BLOCK, SIGTERM", "SIG_BLOCK, SIGUSR1",
     "FAULT: step 2 kill(target=0, signal=SIGTERM) never returned"},
    {"adjustments are undone",
     "1: t0 semget(nsems=2, flags=0600)\n2: t0 fork()\n3: t0 fork()\n"
     "4: t2 semop(id=@1, ops=[{num=0, op=1, flags=SEM_UNDO}])\n5: t3 semop(id=@1, ops=[{num=0, "
     "op=0}])\n6: t2 exit(status=3)\n7: t0 sem_getall(id=@1)\n8: t0 sem_stat(id=@1)\n"
     "9: t0 sem_getpid(id=@1)\n",
     "{{0, 1, SEM_UNDO}}", "{{0, 1, 0}}", "FAULT: step 5 semop("},
    {"a timeout",
     "1: t0 semget(nsems=1, flags=0600)\n2: t0 semop(id=@1, ops=[{num=0, op=-1}], timeout=50ms)\n"
     "3: t0 await()\n4: t0 sem_rmid(id=@1)\n5: t0 sem_getval(id=@1)\n",
     "return semctl(set1, 0, IPC_RMID);", "return 0;", "allow -1 EINVAL or EIDRM"},
    {"a killed task",
     "1: t0 fork()\n2: t1 fork()\n3: t0 kill(target=2, signal=SIGKILL)\n4: t1 wait(target=2)\n",
     "return kill(pid_of(2), SIGKILL);", "return kill(pid_of(2), SIGTERM);",
     "t2 ended otherwise; documents (signal(7)) allow only that it ends with wait status 0x9"},
    {"exec",
     "1: t0 pipe2(flags=O_CLOEXEC)\n2: t0 pipe2()\n3: t0 exec()\n4: t0 write(fd=@1.1, data=\"x\")\n"
     "5: t0 write(fd=@2.1, data=\"x\")\n",
     "pipe2(p, O_CLOEXEC)", "pipe2(p, 0)", "FAULT: step 4 write(fd=@1.1, data=\"x\") returned 1"},
    {"a message of the lowest type",
     "1: t0 msgget(flags=0600)\n2: t0 fork()\n3: t2 msgrcv(id=@1, size=9, type=-2)\n"
     "4: t0 msgsnd(id=@1, type=3, data=\"abc\")\n5: t0 msgsnd(id=@1, type=2, data=\"de\")\n"
     "6: t0 msg_stat(id=@1)\n",
     "&message, 9, -2, 0", "&message, 9, -3, 0", "FAULT: step 3 msgrcv(id=@1, size=9, type=-2)"},
    {"a message of the highest priority",
     "1: t0 mq_open(name=\"/a\", flags=O_RDWR|O_CREAT, mode=0600, maxmsg=3, msgsize=8)\n"
     "2: t0 mq_send(fd=@1, data=\"low\", priority=1)\n"
     "3: t0 mq_send(fd=@1, data=\"high\", priority=2)\n4: t0 mq_receive(fd=@1, size=8)\n"
     "5: t0 mq_getattr(fd=@1)\n",
     "made, 4, 2);", "made, 4, 0);", "FAULT: step 4 mq_receive(fd=@1, size=8) returned 3"},
    {"a segment that is removed while attached",
     "1: t0 shmget(size=4096, flags=0600)\n2: t0 shmat(id=@1)\n3: t0 fork()\n"
     "4: t3 store(address=@2, offset=5, data=\"x\")\n5: t0 shm_rmid(id=@1)\n"
     "6: t0 load(address=@2, offset=5, size=1)\n7: t0 shm_stat(id=@1)\n8: t0 shmdt(address=@2)\n",
     "return shmctl(segment1, IPC_RMID, NULL);", "return 0;", "FAULT: step 7 shm_stat(id=@1)"},
    {"a post that wakes",
     "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n"
     "2: t0 sem_init(address=@1, shared=true, value=0)\n3: t0 fork()\n"
     "4: t3 sem_wait(address=@1)\n5: t0 sem_post(address=@1)\n6: t0 sem_getvalue(address=@1)\n",
     "MAP_SHARED|MAP_ANONYMOUS, -1", "MAP_PRIVATE|MAP_ANONYMOUS, -1",
     "FAULT: step 4 sem_wait(address=@1) sleeps"},
    {"a mapped object",
     "1: t0 shm_open(name=\"/a\", flags=O_RDWR|O_CREAT, mode=0600)\n"
     "2: t0 ftruncate(fd=@1, length=4096)\n"
     "3: t0 mmap(fd=@1, prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED)\n"
     "4: t0 store(address=@3, data=\"x\")\n5: t0 read(fd=@1, count=2)\n",
     "PROT_READ|PROT_WRITE, MAP_SHARED, ", "PROT_READ|PROT_WRITE, MAP_PRIVATE, ",
     "FAULT: step 5 read(fd=@1, count=2) returned 2"},
    {"bad addresses",
     "1: t0 pipe2()\n2: t0 write(fd=@1.1, data=\"abc\", memory=bad)\n3: t0 open(path=\"\", "
     "memory=bad)\n"
     "4: t0 writev(fd=@1.1, data=[\"ab\", \"c\"])\n5: t0 readv(fd=@1.0, counts=[1, 9])\n"
     "6: t0 poll(fds=[{fd=@1.0, events=POLLIN}], timeout=0ms)\n7: t0 fionread(fd=@1.0)\n",
     "writev(writer1, v, 2)", "writev(writer1, v, 1)", "FAULT: step 4"},
};

TEST_F(Repro, ShowsNoFaultOfThisKernelAndEachFaultPutIn) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    std::string text = ReproInC(Parse(c.steps));
    const Ran sound = BuildAndRun(text);
    EXPECT_EQ(sound.status, 0) << sound.output;
    EXPECT_THAT(sound.output, HasSubstr("no fault"));

    const size_t at = text.find(c.from);
    ASSERT_NE(at, text.npos) << c.from << "\n" << text;
    text.replace(at, c.from.size(), c.to);
    const Ran broken = BuildAndRun(text);
    EXPECT_EQ(broken.status, 1) << broken.output;
    EXPECT_THAT(broken.output, HasSubstr(std::string(c.fault)));
  }
}

TEST_F(Repro, AnotherAllowedPathIsNoFault) {
  std::string text =
      ReproInC(Parse("1: t0 pipe2()\n2: t0 fork()\n3: t0 fork()\n4: t2 read(fd=@1.0, count=9)\n"
                     "5: t3 read(fd=@1.0, count=9)\n6: t0 write(fd=@1.1, data=\"x\")\n"));
  // The step goes to the tasks the other way round, as if the other one had been woken.
  for (const std::string_view step : {"go(4, 2, ", "go(5, 3, "}) {
    const size_t at = text.find(step);
    ASSERT_NE(at, text.npos);
    text[at + 3] = step[3] == '4' ? '5' : '4';
  }
  const size_t at = text.find("expect(asleep(4));");
  ASSERT_NE(at, text.npos);
  text.replace(at, 18, "expect(asleep(5));");
  const Ran ran = BuildAndRun(text);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("took another allowed path: no verdict"));
}

TEST_F(Repro, BuildsStaticallyAsC11) {
  const Ran ran = BuildAndRun(ReproInC(Parse("1: t0 pipe2()\n2: t0 exec()\n")), "-std=c11 -static");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST(ReproPlan, ListsWhatElseIsAllowed) {
  const Plan plan =
      MakePlan(Parse("1: t0 pipe2()\n2: t0 fork()\n3: t0 fork()\n4: t2 read(fd=@1.0, count=9)\n"
                     "5: t3 read(fd=@1.0, count=9)\n6: t0 write(fd=@1.1, data=\"x\")\n"));
  ASSERT_EQ(plan.turns.size(), 6u);
  EXPECT_EQ(plan.turns[3].others.size(), 0u);
  EXPECT_EQ(plan.turns[5].others.size(), 1u);  // the other reader
  EXPECT_FALSE(plan.turns[5].open);
}

TEST(ReproPlan, LeavesOutStepsThatCannotBeMade) {
  const Plan plan =
      MakePlan(Parse("1: t0 pipe2()\n2: t0 read(fd=@1.0, count=9)\n3: t0 close(fd=@1.0)\n"));
  ASSERT_EQ(plan.turns.size(), 2u);  // the task is busy
  EXPECT_EQ(plan.turns[1].usual.front().kind, Fact::Kind::kAsleep);
}

TEST(ReproText, LargeLabelsAreRenumbered) {
  const std::string text =
      ReproInC(Parse("70000: t0 fork()\n80000: t70000 pipe2()\n90000: t70000 close(fd=@80000.1)\n"
                     "90001: t0 kill(target=70000, signal=SIGKILL)\n"));
  EXPECT_THAT(text, HasSubstr("#define STEPS 4\n"));
  EXPECT_THAT(text, HasSubstr("close(writer2)"));
  EXPECT_THAT(text, HasSubstr("kill(pid_of(1), SIGKILL)"));
}

}  // namespace
}  // namespace ipcspec
