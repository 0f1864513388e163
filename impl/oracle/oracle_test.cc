// The oracle on histories written by hand: what is allowed, what is not, and what the story says.
#include "impl/oracle/oracle.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/history.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

// A history of Linux as its text shows it; times are counted.
History Parse(const std::string& events) {
  const History empty{.dialect = Dialect{}, .events = {}};
  std::string text = ToText(empty);
  int64_t time = 0;
  for (size_t begin = 0; begin < events.size();) {
    const size_t end = events.find('\n', begin);
    const std::string line = events.substr(begin, end - begin);
    if (!line.empty()) Append(&text, time += 1000, " ", line, "\n");
    begin = end == std::string::npos ? events.size() : end + 1;
  }
  absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status() << "\n" << text;
  return history.ok() ? *history : empty;
}

struct Case {
  const char* name;
  const char* events;
  Verdict verdict;
  const char* story = "";  // a part of it
};

constexpr char kPipe[] =
    "t0 call 1: pipe2()\nt0 return 0 [3, 4]\nquiet\n"
    "t0 call 2: fork()\nt0 return 2\nquiet\n"
    "t0 call 3: fork()\nt0 return 3\nquiet\n";

const Case kCases[] = {
    {"wrong descriptor", "t0 call 1: pipe2()\nt0 return 0 [3, 5]\nquiet\n", Verdict::kForbidden,
     "0 [3, 4]"},
    {"data arrives",
     "t0 call 4: write(fd=4, data=\"x\")\nt0 return 1\nquiet\n"
     "t0 call 5: read(fd=3, count=9)\nt0 return 1 \"x\"\nquiet\n",
     Verdict::kAllowed},
    {"data changes",
     "t0 call 4: write(fd=4, data=\"x\")\nt0 return 1\nquiet\n"
     "t0 call 5: read(fd=3, count=9)\nt0 return 1 \"y\"\nquiet\n",
     Verdict::kForbidden, "1 \"x\""},
    {"a read waits", "t2 call 4: read(fd=3, count=9)\nquiet\n", Verdict::kAllowed},
    {"lost wake-up",
     "t2 call 4: read(fd=3, count=9)\nquiet\n"
     "t0 call 5: write(fd=4, data=\"x\")\nt0 return 1\nquiet\n",
     Verdict::kForbidden, "t2 is still blocked in read(fd=3, count=9)"},
    {"one of two readers is served",
     "t2 call 4: read(fd=3, count=9)\nquiet\nt3 call 5: read(fd=3, count=9)\nquiet\n"
     "t0 call 6: write(fd=4, data=\"x\")\nt3 return 1 \"x\"\nt0 return 1\nquiet\n",
     Verdict::kAllowed},
    {"both readers are served with one byte",
     "t2 call 4: read(fd=3, count=9)\nquiet\nt3 call 5: read(fd=3, count=9)\nquiet\n"
     "t0 call 6: write(fd=4, data=\"x\")\nt3 return 1 \"x\"\nt2 return 1 \"x\"\nt0 return "
     "1\nquiet\n",
     Verdict::kForbidden},
    {"concurrent writes in either order",
     "t0 call 4: write(fd=4, data=\"a\")\nt2 call 5: write(fd=4, data=\"b\")\n"
     "t0 return 1\nt2 return 1\nquiet\n"
     "t0 call 6: read(fd=3, count=9)\nt0 return 2 \"ba\"\nquiet\n",
     Verdict::kAllowed},
    {"one after the other in the wrong order",
     "t0 call 4: write(fd=4, data=\"a\")\nt0 return 1\nt2 call 5: write(fd=4, data=\"b\")\n"
     "t2 return 1\nquiet\n"
     "t0 call 6: read(fd=3, count=9)\nt0 return 2 \"ba\"\nquiet\n",
     Verdict::kForbidden},
    {"a killed writer may have written",
     "t2 call 4: write(fd=4, data=\"x\")\nt2 kill\nt2 killed SIGKILL\nquiet\n"
     "t0 call 5: read(fd=3, count=9)\nt0 return 1 \"x\"\nquiet\n",
     Verdict::kAllowed},
    {"a killed writer may not have written",
     "t2 call 4: write(fd=4, data=\"x\")\nt2 kill\nt2 killed SIGKILL\nquiet\n"
     "t0 call 5: read(fd=3, count=9)\nquiet\n",
     Verdict::kAllowed},
    {"a killed writer did not write something else",
     "t2 call 4: write(fd=4, data=\"x\")\nt2 kill\nt2 killed SIGKILL\nquiet\n"
     "t0 call 5: read(fd=3, count=9)\nt0 return 1 \"y\"\nquiet\n",
     Verdict::kForbidden},
    {"end of file too early",
     "t2 call 4: read(fd=3, count=9)\nquiet\nt0 call 5: close(fd=4)\nt0 return 0\nt2 return 0\n"
     "quiet\n",
     Verdict::kForbidden},
    {"EINTR without a signal", "t2 call 4: read(fd=3, count=9)\nt2 return EINTR\nquiet\n",
     Verdict::kForbidden},
    {"EINTR with a handler",
     "t2 call 4: sigaction(signal=SIGUSR1, disposition=handle)\nt2 return 0\nquiet\n"
     "t2 call 5: read(fd=3, count=9)\nquiet\n"
     "t0 call 6: kill(target=2, signal=SIGUSR1)\nt2 signal SIGUSR1\nt2 return EINTR\nt0 return 0\n"
     "quiet\n",
     Verdict::kAllowed},
    {"a handler that never ran",
     "t2 call 4: sigaction(signal=SIGUSR1, disposition=handle)\nt2 return 0\nquiet\n"
     "t0 call 6: kill(target=2, signal=SIGUSR1)\nt0 return 0\nquiet\n",
     Verdict::kForbidden, "SIGUSR1 pending"},
    {"a handler out of nothing", "t2 signal SIGUSR1\nquiet\n", Verdict::kForbidden},
    {"one set after another is undone, then the task is gone",
     "t0 call 4: semget(nsems=1, flags=IPC_CREAT|0600)\nt0 return 0\nquiet\n"
     "t0 call 5: semget(nsems=1, flags=IPC_CREAT|0600)\nt0 return 1\nquiet\n"
     "t2 call 6: semop(id=0, ops=[{op=1, flags=SEM_UNDO}])\nt2 return 0\nquiet\n"
     "t2 call 7: semop(id=1, ops=[{op=1, flags=SEM_UNDO}])\nt2 return 0\nquiet\n"
     "t2 kill\n"
     "t0 call 8: sem_getval(id=1)\nt0 return 0\nt0 call 9: sem_getval(id=0)\nt0 return 1\n"
     "t0 call 10: wait(target=2, options=WNOHANG)\nt0 return 0\n"
     "t2 killed SIGKILL\nt0 call 11: sem_getval(id=0)\nt0 return 0\nquiet\n",
     Verdict::kAllowed},
    {"what is undone stays undone",
     "t0 call 4: semget(nsems=1, flags=IPC_CREAT|0600)\nt0 return 0\nquiet\n"
     "t2 call 6: semop(id=0, ops=[{op=1, flags=SEM_UNDO}])\nt2 return 0\nquiet\n"
     "t2 kill\n"
     "t0 call 8: sem_getval(id=0)\nt0 return 0\nt0 call 9: sem_getval(id=0)\nt0 return 1\n"
     "t2 killed SIGKILL\nquiet\n",
     Verdict::kForbidden},
    {"what was killed had found room where there usually is none",
     "t0 call 4: setpipe_sz(fd=3, size=4096)\nt0 return 4096\nquiet\n"
     "t0 call 5: write(fd=4, data=\"x\"*3000)\nt0 return 3000\nquiet\n"
     "t0 call 6: read(fd=3, count=1024)\nt0 return 1024 \"x\"*1024\nquiet\n"
     "t2 call 7: write(fd=4, data=\"y\"*2000)\nt2 kill\nt2 killed SIGKILL\nquiet\n"
     "t0 call 8: read(fd=3, count=4096)\nt0 return 3976 \"x\"*1976+\"y\"*2000\nquiet\n",
     Verdict::kAllowed},
    {"a death out of nothing", "t2 killed SIGTERM\nquiet\n", Verdict::kForbidden},
};

TEST(Oracle, JudgesHistories) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    std::string story;
    EXPECT_EQ(
        ExplainHistory(Parse(c.name == std::string("wrong descriptor") ? std::string(c.events)
                                                                       : Cat(kPipe, c.events)),
                       &story),
        c.verdict)
        << story;
    EXPECT_NE(story.find(c.story), std::string::npos) << story;
  }
}

TEST(Oracle, SaysWhatIsToBlame) {
  const History history = Parse(std::string(kPipe) +
                                "t2 call 4: read(fd=3, count=9)\nquiet\n"
                                "t0 call 5: write(fd=4, data=\"x\")\nt0 return 1\nquiet\n");
  std::string story;
  Blame blame;
  ASSERT_EQ(ExplainHistory(history, &story, &blame), Verdict::kForbidden);
  EXPECT_EQ(blame.event, history.events.size() - 1);
  EXPECT_EQ(blame.task, 2);

  const History other = Parse(std::string(kPipe) + "t3 call 4: close(fd=4)\nt3 return 5\nquiet\n");
  ASSERT_EQ(ExplainHistory(other, &story, &blame), Verdict::kForbidden);
  EXPECT_EQ(blame.event, other.events.size() - 2);
  EXPECT_EQ(blame.task, 3);
}

// What is not explained may be when more is seen: then it has happened once.
TEST(Oracle, TakesABatchAgainWithMore) {
  const History history = Parse(std::string(kPipe) +
                                "t2 call 4: read(fd=3, count=9)\n"
                                "t0 call 5: write(fd=4, data=\"x\")\nt0 return 1\nquiet guessed\n"
                                "t2 return 1 \"x\"\nquiet\n");
  const absl::Span<const Event> events = history.events;
  Oracle oracle(history.dialect);
  for (size_t begin : {0, 3, 6}) {
    ASSERT_EQ(oracle.Explain(events.subspan(begin, 3)), Verdict::kAllowed);
  }
  ASSERT_EQ(oracle.Explain(events.subspan(9, 4)), Verdict::kForbidden);
  ASSERT_EQ(oracle.blame().event, 12u);
  std::vector<Event> more(events.begin() + 9, events.end());
  more.erase(more.begin() + 3);
  EXPECT_EQ(oracle.Explain(more), Verdict::kAllowed);
  EXPECT_EQ(oracle.history().events.size(), history.events.size() - 1);
}

// A signal ends the sleep before its handler runs: another one may merge with it meanwhile. One
// that comes when the sleeper could have gone on is too late.
TEST(Oracle, SignalsMergeAfterTheSleepHasEnded) {
  const std::string asleep =
      Cat(kPipe,
          "t0 call 4: semget(nsems=1, flags=0600)\nt0 return 0\nquiet\n"
          "t2 call 5: sigaction(signal=SIGUSR1, disposition=handle)\nt2 return 0\nquiet\n"
          "t2 call 6: semop(id=0, ops=[{num=0, op=-1}])\nquiet\n");
  const std::string kill = "t0 call 7: kill(target=2, signal=SIGUSR1)\nt0 return 0\n";
  const std::string gives = "t0 call 8: semop(id=0, ops=[{num=0, op=1}])\nt0 return 0\n";
  const std::string again = "t0 call 9: kill(target=2, signal=SIGUSR1)\nt0 return 0\n";
  const std::string ends = "t2 signal SIGUSR1\nt2 return EINTR\nquiet\n";
  std::string story;
  EXPECT_EQ(ExplainHistory(Parse(Cat(asleep, kill, gives, again, ends)), &story), Verdict::kAllowed)
      << story;
  EXPECT_EQ(ExplainHistory(Parse(Cat(asleep, gives, again, ends)), &story), Verdict::kForbidden);
}

// Linux notes who attached after the attach: of a shmat and a shmdt that overlapped either is last,
// even where the shmat must have come first, as the segment would have gone with the shmdt.
TEST(Oracle, LastToAttachIsWhoeverOverlapped) {
  for (const auto& [last, verdict] :
       {std::pair{2, Verdict::kAllowed}, {3, Verdict::kAllowed}, {0, Verdict::kForbidden}}) {
    const std::string events =
        Cat(kPipe,
            "t0 call 4: shmget(size=4096, flags=0600)\nt0 return 0\nquiet\n"
            "t3 call 5: shmat(id=0)\nt3 return 4096000\nquiet\n"
            "t0 call 9: shm_rmid(id=0)\nt0 return 0\nquiet\n"
            "t3 call 6: shmdt(address=4096000)\nt2 call 7: shmat(id=0)\nt2 return 8192000\n"
            "t2 call 8: shm_stat(id=0)\nt3 return 0\n"
            "t2 return 0 [0, 0, 0, 0, 0, 896, 4096, 1, 0, ",
            last, ", 5, 5, 5]\nquiet\n");
    std::string story;
    EXPECT_EQ(ExplainHistory(Parse(events), &story), verdict) << last << "\n" << story;
  }
}

// Four writes at once, of which the first to return went in last: a small search drops the world in
// which that is so, long before the read needs it.
TEST(Oracle, WhatTheSearchDroppedIsNoViolation) {
  std::string events = "t0 call 1: pipe2()\nt0 return 0 [3, 4]\nquiet\n", calls, returns;
  for (int task = 2; task <= 5; ++task) {
    Append(&events, "t0 call ", task, ": fork()\nt0 return ", task, "\nquiet\n");
    const std::string letter(1, static_cast<char>('a' + task - 2));
    Append(&calls, "t", task, " call ", task + 10, ": write(fd=4, data=\"", letter, "\")\n");
    Append(&returns, "t", task, " return 1\n");
  }
  Append(&events, calls, returns,
         "quiet\nt0 call 30: read(fd=3, count=99)\nt0 return 4 \"bcda\"\n");
  const History history = Parse(events);
  const absl::Span<const Event> all = history.events;
  for (const auto& [budget, verdict] :
       {std::pair{size_t{5}, Verdict::kUndecided}, std::pair{Oracle::kBudget, Verdict::kAllowed}}) {
    Oracle oracle(history.dialect, budget);
    for (size_t begin = 0; begin < 15; begin += 3) {
      ASSERT_EQ(oracle.Explain(all.subspan(begin, 3)), Verdict::kAllowed);
    }
    ASSERT_EQ(oracle.Explain(all.subspan(15, 9)), Verdict::kAllowed);
    EXPECT_EQ(oracle.Explain(all.subspan(24)), verdict) << oracle.story();
  }
}

}  // namespace
}  // namespace ipcspec
