// Tests of histories: their text, what the parser refuses, any input, and the way to a program.
#include "impl/call/history.h"

#include <sys/ipc.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "impl/call/args.h"
#include "impl/call/generators.h"
#include "impl/call/text.h"
#include "rapidcheck/gtest.h"

namespace ipcspec {
namespace {

using Kind = Event::Kind;

std::shared_ptr<const Call> Made(Call call) {
  return std::make_shared<const Call>(std::move(call));
}

constexpr char kDialect[] =
    "kernel=linux release=\"6.1\" major=6 minor=1 page_size=4096 pipe_max_size=1048576 "
    "max_descriptors=1024 semmsl=32000 semmns=1024000000 semopm=500 semmni=32000 msgmax=8192 "
    "msgmnb=16384 msgmni=32000 shmmax=9223372036854775807 shmall=9223372036854775807 shmmni=4096 "
    "shm_rmid_forced=0 sem_next_id=-1 msg_next_id=-1 shm_next_id=-1 queues_max=256 msg_max=10 "
    "msgsize_max=8192 msg_default=10 msgsize_default=8192 max_queue_bytes=819200 "
    "max_locked=8388608 wall_start=-1 cap_sys_resource=true cap_ipc_owner=true "
    "cap_dac_override=true cap_sys_admin=true cap_ipc_lock=true\n";

TEST(History, PrintsAndParses) {
  const std::string text = std::string("ipcspec history 1\n") + kDialect +
                           "0 t0 call 1: pipe2()\n"
                           "10 t0 return 0 [3, 4]\n"
                           "20 t0 call 2: fork()\n"
                           "25 t2 call 3: read(fd=3, count=10)\n"
                           "30 t0 return 2\n"
                           "40 quiet\n"
                           "50 quiet guessed\n"
                           "60 t2 signal SIGPIPE\n"
                           "60 t2 return EINTR\n"
                           "70 t2 kill\n"
                           "80 t2 killed SIGKILL\n"
                           "90 t0 exit 3\n";
  const History history = {
      .events = {
          {.kind = Kind::kCall, .label = 1, .call = Made(MakePipe{})},
          {.kind = Kind::kReturn, .time_ns = 10, .outcome = {.values = {3, 4}}},
          {.kind = Kind::kCall, .time_ns = 20, .label = 2, .call = Made(Fork{})},
          {.kind = Kind::kCall,
           .time_ns = 25,
           .task = 2,
           .label = 3,
           .call = Made(Read{.fd = 3, .count = 10})},
          {.kind = Kind::kReturn, .time_ns = 30, .outcome = Returns(2)},
          {.kind = Kind::kQuiet, .time_ns = 40},
          {.kind = Kind::kQuiet, .time_ns = 50, .guessed = true},
          {.kind = Kind::kSignal, .time_ns = 60, .task = 2, .number = SIGPIPE},
          {.kind = Kind::kReturn, .time_ns = 60, .task = 2, .outcome = Fails(EINTR)},
          {.kind = Kind::kKill, .time_ns = 70, .task = 2},
          {.kind = Kind::kExit, .time_ns = 80, .task = 2, .number = SIGKILL},
          {.kind = Kind::kExit, .time_ns = 90, .number = 3 << 8},
      }};
  EXPECT_EQ(ToText(history), text);
  const auto parsed = ParseHistory(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(*parsed == history);
}

TEST(History, SaysWhereTheRaceBegins) {
  for (const char* lines : {"race\n5 quiet\n6 quiet\n", "5 quiet\nrace\n6 quiet\n",
                            "5 quiet\n6 quiet\nrace\n", "5 quiet\n6 quiet\n"}) {
    const std::string text = std::string("ipcspec history 1\n") + kDialect + lines;
    const auto parsed = ParseHistory(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->events.size(), 2u);
    const size_t at = std::string(lines).find("race");
    EXPECT_EQ(parsed->race_begin.has_value(), at != std::string::npos);
    if (parsed->race_begin.has_value()) {
      EXPECT_EQ(*parsed->race_begin, at / 8);
    }
    EXPECT_EQ(ToText(*parsed), text);
  }
}

TEST(History, HasEachWayToEnd) {
  const std::vector<std::pair<int, std::string>> kRows = {
      {0, "exit 0"},
      {255 << 8, "exit 255"},
      {-1, "exit ?"},
      {SIGKILL, "killed SIGKILL"},
      {SIGSEGV | 0x80, "killed SIGSEGV core"},
      {40, "killed 40"},
      {0x137f, "exit status 4991"},
      {0x80, "exit status 128"},
  };
  for (const auto& [status, text] : kRows) {
    const Event event = {.kind = Kind::kExit, .number = status};
    EXPECT_EQ(ToText(event), "0 t0 " + text);
    const auto parsed = ParseHistory("ipcspec history 1\nmajor=6\n0 t0 " + text + "\n");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(parsed->events.at(0) == event) << text;
  }
}

TEST(History, KeepsTheWholeDialect) {
  const Dialect dialect = {.kernel = Dialect::Kernel::kGvisor,
                           .release = "4.4 \"x\"",
                           .major = 4,
                           .minor = 4,
                           .page_size = 1,
                           .pipe_max_size = 2,
                           .max_descriptors = 3,
                           .semmsl = 4,
                           .semmns = 5,
                           .semopm = 6,
                           .semmni = 7,
                           .wall_start = 8,
                           .cap_sys_resource = false,
                           .cap_ipc_owner = false,
                           .cap_dac_override = false,
                           .cap_sys_admin = false};
  const auto parsed = ParseHistory(ToText(History{.dialect = dialect}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->dialect == dialect) << ToText(*parsed);
}

TEST(ParseHistory, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"5 t0 call 1: fork()\n4 quiet\n", "line 4, column 1: the event before has a later time, 5"},
      {"-1 quiet\n", "line 3, column 1: expected a number from 0 to 9223372036854775807, found -1"},
      {"0 t1 call 1: fork()\n", "line 3, column 3: no fork or clone before makes the task t1"},
      {"0 t0 call 1: pipe2()\n1 t1 call 2: fork()\n",
       "line 4, column 3: no fork or clone before makes the task t1"},
      {"0 t0 call 1: pipe2()\n1 t0 call 2: pipe2()\n",
       "line 4, column 3: t0 makes a call while it is in a call"},
      {"0 t0 return 0\n", "line 3, column 3: t0 returns but is in no call"},
      {"0 t0 exit 0\n1 t0 exit 0\n", "line 4, column 3: t0 has ended before"},
      {"0 t0 exit 0\n1 t0 call 1: pipe2()\n", "line 4, column 3: t0 has ended before"},
      {"0 t0 call 1: pipe2()\n0 t0 exit 0\n1 t0 return 0\n",
       "line 5, column 3: t0 has ended before"},
      {"0 t0 call 1: pipe2()\n0 t0 return 0\n1 t0 call 1: pipe2()\n",
       "line 5, column 11: there are two calls 1"},
      {"0 t0 call 1: close(fd=@1)\n",
       "line 3, column 14: a history has the numbers themselves, not references (@)"},
      {"0 t0 call 0: fork()\n",
       "line 3, column 11: expected a number from 1 to 2147483647, found 0"},
      {"0 t0 slept\n",
       "line 3, column 6: expected call, return, signal, exit, killed or kill, found \"slept\""},
      {"0 noise\n", "line 3, column 3: expected a task, as t0, found \"noise\""},
      {"0 t0 killed 0\n", "line 3, column 13: there is no signal 0"},
      {"0 t0 exit 256\n", "line 3, column 11: expected a number from 0 to 255, found 256"},
      {"0 t0 exit now\n",
       "line 3, column 11: expected an exit status, or ? for one that is not known, found \"now\""},
      {"0 t0 signal 0\n", "line 3, column 3: t0 gets a signal that there is not"},
      {"race\n5 quiet\n race\n",
       "line 5, column 2: there are two lines that say where the race begins"},
      {"race 5\n", "line 3, column 6: expected the end of the line, found \"5\""},
      {"0 quiet\nrace", "line 4, column 5: the last line has no end: the text was cut off"},
      {"0 quiet", "line 3, column 8: the last line has no end: the text was cut off"},
      {"0 t0 call 1: pipe2()\n9 t0 return 0 [3",
       "line 4, column 17: expected \",\" or \"]\", found the end of the text"},
  };
  for (const auto& [lines, error] : kRows) {
    const auto parsed = ParseHistory("ipcspec history 1\nmajor=6\n" + lines);
    EXPECT_EQ(std::string(parsed.status().message()), error) << lines;
  }
  EXPECT_EQ(std::string(ParseHistory("ipcspec history 1\nmajr=6\n").status().message()),
            "line 2, column 1: expected a field of the dialect (kernel, release, major, minor, "
            "page_size, pipe_max_size, max_descriptors, semmsl, semmns, semopm, semmni, msgmax, "
            "msgmnb, msgmni, shmmax, shmall, shmmni, shm_rmid_forced, sem_next_id, msg_next_id, "
            "shm_next_id, queues_max, msg_max, msgsize_max, msg_default, msgsize_default, "
            "max_queue_bytes, max_locked, wall_start, cap_sys_resource, cap_ipc_owner, "
            "cap_dac_override, cap_sys_admin, cap_ipc_lock), found \"majr\"");
  EXPECT_EQ(std::string(ParseHistory("ipcspec history 1\nkernel=bsd\n").status().message()),
            "line 2, column 8: expected one of linux, gvisor, found \"bsd\"");
  EXPECT_NE(std::string(ParseHistory("ipcspec history 1\n").status().message()), "");
}

// A history that is well formed: tasks are made, call, return, are killed and end.
History AnyHistory() {
  struct Task {
    bool in_call = false;
    bool ended = false;
  };
  History history;
  history.dialect.release = AnyBytes();
  std::vector<std::pair<int, Task>> tasks = {{0, {}}};
  const int count = *rc::gen::inRange(0, 30);
  int64_t now_ns = 0;
  for (int i = 0; i < count; ++i) {
    now_ns += *rc::gen::inRange(0, 3);
    auto& [id, task] = tasks[*rc::gen::inRange<size_t>(0, tasks.size())];
    Event event = {.kind = Kind::kQuiet, .time_ns = now_ns};
    const int what = *rc::gen::inRange(0, 8);
    if (what == 0) event.guessed = true;
    if (what > 1) event.task = id;
    if (what == 2) event.kind = Kind::kKill;
    if (what > 2 && task.ended) continue;
    if (what == 3) {
      event.kind = Kind::kExit;
      event.number = *rc::gen::oneOf(rc::gen::inRange(-1, 70000), rc::gen::arbitrary<int>());
      task.ended = true;
    } else if (what == 4) {
      event.kind = Kind::kSignal;
      event.number = *rc::gen::inRange(1, 65);
    } else if (what > 4 && task.in_call) {
      event.kind = Kind::kReturn;
      event.outcome = AnyOutcome();
      task.in_call = false;
    } else if (what > 4) {
      event.kind = Kind::kCall;
      event.label = i + 1;
      Call call = what == 5 ? Call(Fork{}) : AnyCall();
      ForEachArg(call, [](auto& arg) {
        if (arg.is_reference()) arg = AnyNumber();
      });
      task.in_call = true;
      if (MakesTask(call)) tasks.push_back({event.label, {}});
      event.call = Made(std::move(call));
    }
    history.events.push_back(std::move(event));
  }
  return history;
}

RC_GTEST_PROP(History, ParsesAsItPrints, ()) {
  const History history = AnyHistory();
  const std::string text = ToText(history);
  const auto parsed = ParseHistory(text);
  RC_LOG() << text << parsed.status() << "\n";
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*parsed == history);
}

// Wherever a text is cut off within a line, that is an error with a place.
RC_GTEST_PROP(History, IsNotReadWhenItIsCutOffWithinALine, ()) {
  std::string text = ToText(AnyHistory());
  text.resize(*rc::gen::inRange<size_t>(0, text.size()));
  if (text.ends_with('\n')) text.pop_back();
  const auto parsed = ParseHistory(text);
  RC_ASSERT(!parsed.ok());
  RC_ASSERT(std::string(parsed.status().message()).starts_with("line "));
}

// Garbage that looks like a history: pieces of a good one, bytes changed, joined at random.
RC_GTEST_PROP(Parsers, TakeAnyInput, ()) {
  std::string text = ToText(AnyHistory());
  if (*rc::gen::arbitrary<bool>()) text += ToText(ToProgram(AnyHistory()));
  const int changes = *rc::gen::inRange(1, 20);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = *rc::gen::inRange<size_t>(0, text.size());
    const std::string piece = *rc::gen::oneOf(
        rc::gen::arbitrary<std::string>(),
        rc::gen::element<std::string>("[[[[", "\"", "\\x", "*999999999", "@", "0x", "-", "pattern(",
                                      "\n", "99999999999999999999", "#", "{", std::string(1, 0)));
    text.replace(at, *rc::gen::inRange(0, 5), piece);
  }
  const auto history = ParseHistory(text);
  if (history.ok()) RC_ASSERT(ParseHistory(ToText(*history)).ok());
  const std::string body = text.substr(std::min(text.size(), text.find('\n') + 1));
  const auto program = ParseProgram("ipcspec program 1\n" + body);
  if (program.ok()) RC_ASSERT(ParseProgram(ToText(*program)).ok());
  for (size_t at = 0; at < text.size(); at += 7) {
    (void)ParseCall(std::string_view(text).substr(at));
    (void)ParseOutcome(std::string_view(text).substr(at));
  }
}

TEST(ToProgram, TurnsNumbersOfEarlierCallsIntoReferences) {
  const auto history = ParseHistory(
      "ipcspec history 1\nmajor=6\n"
      "0 t0 call 1: pipe2()\n"
      "1 t0 return 0 [3, 4]\n"
      "2 t0 call 2: dup2(fd=4, to=3)\n"  // 3 and 4 are known, and 3 is made anew
      "3 t0 return 3\n"
      "4 t0 call 3: fork()\n"
      "5 t3 call 4: open(path=\"f\")\n"  // a child has what the parent had at the fork
      "6 t3 return 5\n"
      "7 t0 return 3\n"
      "8 t0 call 5: close(fd=5)\n"  // 5 is a descriptor of the child only
      "9 t0 return EBADF\n"
      "10 t3 call 6: poll(fds=[{fd=3}, {fd=4}, {fd=5}, {fd=6}])\n"
      "11 t3 return 0 [0, 0, 0]\n"
      "12 t0 call 7: ftok(path=\"f\")\n"
      "13 t0 return 3\n"
      "14 t0 call 8: semget(key=3)\n"
      "15 t0 return 4\n"
      "16 t3 call 9: semop(id=4, ops=[{num=4, op=3}])\n"  // ids are for all tasks
      "17 t3 return EINVAL\n"
      "18 t0 call 10: kill(target=3, signal=SIGKILL)\n"
      "19 t0 return 0\n"
      "20 t0 call 11: dup(fd=3)\n"
      "21 t0 return EMFILE\n"
      "22 t0 call 12: semget(key=4)\n"  // in flight: its id is not known
      "23 t3 call 13: sem_rmid(id=7)\n"
      "24 t0 return 7\n"
      "25 t0 call 14: close(fd=-1)\n");  // what step 11 "returned" is not a descriptor
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(ToText(ToProgram(*history)),
            "ipcspec program 1\n"
            "1: t0 pipe2()\n"
            "2: t0 dup2(fd=@1.1, to=@1.0)\n"
            "3: t0 fork()\n"
            "4: t3 open(path=\"f\")\n"
            "5: t0 close(fd=5)\n"
            "6: t3 poll(fds=[{fd=@2}, {fd=@1.1}, {fd=@4}, {fd=6}])\n"
            "7: t0 ftok(path=\"f\")\n"
            "8: t0 semget(key=@7)\n"
            "9: t3 semop(id=@8, ops=[{num=4, op=3}])\n"
            "10: t0 kill(target=3, signal=SIGKILL)\n"
            "11: t0 dup(fd=@2)\n"
            "12: t0 semget(key=4)\n"
            "13: t3 sem_rmid(id=7)\n"
            "14: t0 close()\n");
}

RC_GTEST_PROP(ToProgram, GivesWhatParses, ()) {
  const std::string text = ToText(ToProgram(AnyHistory()));
  const auto parsed = ParseProgram(text);
  RC_LOG() << text << parsed.status() << "\n";
  RC_ASSERT(parsed.ok());
}

}  // namespace
}  // namespace ipcspec
