// Tests of the text form of calls and outcomes: golden tables, messages, and a round trip of every
// call there is.
#include "impl/call/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "impl/call/bytes.h"
#include "impl/call/generators.h"
#include "rapidcheck/gtest.h"

namespace ipcspec {
namespace {

TEST(Text, OfCalls) {
  const std::vector<std::pair<Call, std::string>> kRows = {
      {Fork{}, "fork()"},
      {MakePipe{}, "pipe2()"},
      {MakePipe{.flags = O_NONBLOCK | O_CLOEXEC}, "pipe2(flags=O_NONBLOCK|O_CLOEXEC)"},
      {MakePipe{.result = Memory::kBad}, "pipe2(result=bad)"},
      {Open{.path = "a b"}, R"(open(path="a b"))"},
      {Open{.path = "f", .flags = O_NONBLOCK}, R"(open(path="f", flags=O_RDONLY|O_NONBLOCK))"},
      {Open{.path = "f", .flags = O_WRONLY | O_CREAT | O_EXCL, .mode = 0600},
       R"(open(path="f", flags=O_WRONLY|O_CREAT|O_EXCL, mode=0600))"},
      {Open{.path = "f", .flags = O_RDWR | O_SYNC | (1 << 30), .dirfd = Fd::Of(3)},
       R"(open(path="f", flags=O_RDWR|O_SYNC|0x40000000, dirfd=@3))"},
      {SetStatusFlags{.fd = 3, .flags = O_APPEND}, "setfl(fd=3, flags=O_APPEND)"},
      {Mkfifo{.path = "f"}, R"(mkfifo(path="f"))"},
      {Mknod{.path = "f", .mode = S_IFIFO | 0644}, R"(mknod(path="f", mode=010644))"},
      {Write{.fd = Fd::Of(1, 1), .data = "hello\n"}, R"(write(fd=@1.1, data="hello\n"))"},
      {Write{.fd = 4, .data = Pattern('A', 8, 4096)}, "write(fd=4, data=pattern(A, 8, 4096))"},
      {Writev{.fd = 4, .data = {"a", "", std::string(99, 'x')}},
       R"(writev(fd=4, data=["a", "", "x"*99]))"},
      {Readv{.fd = 3, .counts = {1, 0, 7}}, "readv(fd=3, counts=[1, 0, 7])"},
      {Poll{.fds = {{.fd = 3, .events = POLLIN | POLLHUP}, {.fd = Fd::Of(1, 0)}},
            .timeout = 50'000'000},
       "poll(fds=[{fd=3, events=POLLIN|POLLHUP}, {fd=@1.0}], timeout=50ms)"},
      {Semget{.key = Key::Of(7), .nsems = 2, .flags = IPC_CREAT | IPC_EXCL | 0600},
       "semget(key=@7, nsems=2, flags=IPC_CREAT|IPC_EXCL|0600)"},
      {Semop{.id = 5, .ops = {{0, -1, SEM_UNDO}, {1, 0, {}}}, .timeout = 1'500'000'000},
       "semop(id=5, ops=[{num=0, op=-1, flags=SEM_UNDO}, {num=1, op=0}], timeout=1500ms)"},
      {SemStatIndex{.index = 3, .any = true}, "sem_stat_index(index=3, any=true)"},
      {Kill{.target = 3, .signal = SIGPIPE}, "kill(target=3, signal=SIGPIPE)"},
      {Kill{.target = 3, .signal = 40}, "kill(target=3, signal=40)"},
      {Wait{.target = 2, .options = WNOHANG}, "wait(target=2, options=WNOHANG)"},
      {Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart},
       "sigaction(signal=SIGUSR1, disposition=handle_restart)"},
      {Sigprocmask{.how = MaskChange::kUnblock, .signal = SIGUSR1},
       "sigprocmask(how=unblock, signal=SIGUSR1)"},
      {SetFdFlags{.fd = 3, .flags = FD_CLOEXEC}, "setfd(fd=3, flags=FD_CLOEXEC)"},
  };
  for (const auto& [call, text] : kRows) {
    EXPECT_EQ(ToText(call), text);
    const auto parsed = ParseCall(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, call);
  }
}

TEST(Text, OfOutcomes) {
  const std::vector<std::pair<Outcome, std::string>> kRows = {
      {Returns(0), "0"},
      {Returns(-1), "-1"},
      {{.ret = 5, .data = "hello"}, R"(5 "hello")"},
      {{.values = {3, 4}}, "0 [3, 4]"},
      {{.ret = 5, .data = "x", .values = {1}}, R"(5 "x" [1])"},
      {{.ret = 64, .data = Pattern('B', 4, 64)}, "64 pattern(B, 4, 64)"},
      {Fails(EAGAIN), "EAGAIN"},
      {Fails(EIDRM), "EIDRM"},
      {Fails(999), "errno 999"},
  };
  for (const auto& [outcome, text] : kRows) {
    EXPECT_EQ(ToText(outcome), text);
    const auto parsed = ParseOutcome(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, outcome);
  }
}

// What a person writes is not always what ToText would print.
TEST(Text, IsReadInOtherFormsToo) {
  const std::vector<std::pair<std::string, Call>> kRows = {
      {"  read ( count = 0x10 , fd = 3 )  # comment\n\n", Read{.fd = 3, .count = 16}},
      {"pipe2(flags=O_RDONLY)", MakePipe{}},
      {"pipe2(flags=04000|0x80000)", MakePipe{.flags = O_NONBLOCK | O_CLOEXEC}},
      {"semget(flags=0600|IPC_CREAT)", Semget{.flags = IPC_CREAT | 0600}},
      {"semop(ops=[{}])", Semop{.ops = {{}}}},
      {"poll(timeout=0s)", Poll{.timeout = 0}},
      {"poll(timeout=-1ns)", Poll{}},
      {"umask(mask=0)", Umask{}},
      {"exit(status=-9223372036854775808)", Exit{.status = INT64_MIN}},
  };
  for (const auto& [text, call] : kRows) {
    const auto parsed = ParseCall(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, call) << text;
  }
  EXPECT_EQ(*ParseOutcome("EWOULDBLOCK"), Fails(EAGAIN));
}

TEST(ParseCall, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"", "line 1, column 1: expected the name of a call, found the end of the text"},
      {"\n\n 7", "line 3, column 2: expected the name of a call, found \"7\""},
      {"wirte()", "line 1, column 1: expected the name of a call (near: write), found \"wirte\""},
      {"dup3(fd=1)",
       "line 1, column 1: expected the name of a call (near: dup, dup2), found \"dup3\""},
      {"stat_index()",
       "line 1, column 1: expected the name of a call (near: msg_stat_index, sem_stat_index, "
       "shm_stat_index), found "
       "\"stat_index\""},
      {"close", "line 1, column 6: expected \"(\", found the end of the text"},
      {"close(", "line 1, column 7: expected a field of close (fd), found the end of the text"},
      {"close(fd=3", "line 1, column 11: expected \",\" or \")\", found the end of the text"},
      {"close(fd=3\n)", "line 1, column 11: expected \",\" or \")\", found the end of the line"},
      {"close(fd=3,)", "line 1, column 12: expected a field of close (fd), found \")\""},
      {"close(fdd=3)", "line 1, column 7: expected a field of close (fd), found \"fdd\""},
      {"close(fd 3)", "line 1, column 10: expected \"=\", found \"3\""},
      {"close(fd=3, fd=4)", "line 1, column 13: the field fd is given twice"},
      {"close(fd=x)", "line 1, column 10: expected a number, found \"x\""},
      {"close(fd=\x01)", "line 1, column 10: expected a number, found \"\\x01\""},
      {"close(fd=3) x", "line 1, column 13: expected the end of the line, found \"x\""},
      {"close(fd=3)\nx", "line 2, column 1: expected the end of the text, found \"x\""},
      {"close(fd=@0)", "line 1, column 11: expected a number from 1 to 2147483647, found 0"},
      {"close(fd=@1.)", "line 1, column 13: expected a number, found \")\""},
      {"close(fd=9223372036854775808)", "line 1, column 10: the number does not fit in 64 bits"},
      {"close(fd=08)",
       "line 1, column 11: expected an octal digit (the number begins with 0), found \"8\""},
      {"close(fd=0x)", "line 1, column 12: expected a hexadecimal digit, found \")\""},
      {"fork(x=1)", "line 1, column 6: expected \")\", as fork has no fields, found \"x\""},
      {"umask(mask=644)", "line 1, column 12: expected a mode in octal, as 0644, found \"644\""},
      {"umask(mask=0x1)", "line 1, column 13: expected an octal digit, found \"x1\""},
      {"setfd(flags=O_CLOEXEC)",
       "line 1, column 13: expected one of FD_CLOEXEC, or a number, found \"O_CLOEXEC\""},
      {"kill(signal=SIGFOO)",
       "line 1, column 13: expected a signal, as SIGPIPE or a number, found \"SIGFOO\""},
      {"kill(signal=9999999999)",
       "line 1, column 13: expected a number from -2147483648 to 2147483647, found 9999999999"},
      {"pipe2(result=ugly)", "line 1, column 14: expected one of good, bad, found \"ugly\""},
      {"sem_stat_index(any=yes)", "line 1, column 20: expected true or false, found \"yes\""},
      {"poll(timeout=5)", "line 1, column 15: expected s, ms, us or ns, found \")\""},
      {"poll(timeout=soon)",
       "line 1, column 14: expected a time, as forever, 2s, 50ms, 3us or 7ns, found \"soon\""},
      {"poll(timeout=9999999999s)",
       "line 1, column 14: the time does not fit in 64 bits of nanoseconds"},
      {"semop(ops=[{nun=1}])",
       "line 1, column 13: expected a field of the element (num, op, flags), found \"nun\""},
      {"semop(ops=[{num=1})", "line 1, column 19: expected \",\" or \"]\", found \")\""},
      {"semop(ops=[[[[", "line 1, column 12: expected \"{\", found \"[\""},
      {"readv(counts=1)", "line 1, column 14: expected \"[\", found \"1\""},
  };
  for (const auto& [text, error] : kRows) {
    EXPECT_EQ(std::string(ParseCall(text).status().message()), error) << text;
  }
}

TEST(ParseOutcome, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"",
       "line 1, column 1: expected a number, the name of an errno, or \"errno\" and its "
       "number, found the end of the text"},
      {"EFOO",
       "line 1, column 1: expected a number, the name of an errno, or \"errno\" and its "
       "number, found \"EFOO\""},
      {"errno", "line 1, column 6: expected a number, found the end of the text"},
      {"errno 0", "line 1, column 7: errno 0 is no error"},
      {"0 [3", "line 1, column 5: expected \",\" or \"]\", found the end of the text"},
      {"5 hello", "line 1, column 3: expected the end of the line, found \"hello\""},
  };
  for (const auto& [text, error] : kRows) {
    EXPECT_EQ(std::string(ParseOutcome(text).status().message()), error) << text;
  }
}

// Each kind of call is tried, so a new one cannot be forgotten.
TEST(Text, OfEveryCallParsesAsItPrints) {
  for (size_t kind = 0; kind < std::variant_size_v<CallVariant>; ++kind) {
    const bool ok = rc::check(Cat("kind ", kind), [&] {
      const Call call = CallOfKind(kind);
      const std::string text = ToText(call);
      const auto parsed = ParseCall(text);
      RC_LOG() << text << "\n" << parsed.status() << "\n";
      RC_ASSERT(parsed.ok());
      RC_ASSERT(*parsed == call);
    });
    EXPECT_TRUE(ok);
  }
}

RC_GTEST_PROP(Text, OfAnOutcomeParsesAsItPrints, ()) {
  const Outcome outcome = AnyOutcome();
  const std::string text = ToText(outcome);
  const auto parsed = ParseOutcome(text);
  RC_LOG() << text << "\n" << parsed.status() << "\n";
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*parsed == outcome);
}

// Every name that prints is read back as its own value, and every row of a table is reachable.
TEST(Names, AreReadInTheirTable) {
  for (const BitNames kind : {BitNames::kOpen, BitNames::kPoll, BitNames::kIpc, BitNames::kSemop,
                              BitNames::kClone, BitNames::kWait, BitNames::kFd}) {
    for (const Name& name : BitTable(kind)) {
      std::string text;
      PrintBits(kind, name.value, &text);
      EXPECT_EQ(text, name.text);
    }
  }
  for (const Name& name : ErrnoTable()) {
    EXPECT_EQ(ValueOfName(ErrnoTable(), ErrnoName(static_cast<int>(name.value))), name.value);
  }
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
}

}  // namespace
}  // namespace ipcspec
