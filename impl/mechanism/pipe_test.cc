// The pipe reference, call by call: reading, writing and capacity. Packets, sizes and poll(2) are
// in pipe_control_test.cc, opening a FIFO in pipe_open_test.cc, random walks in
// pipe_property_test.cc.
#include "impl/mechanism/pipe.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "impl/mechanism/pipe_bench.h"

namespace ipcspec {
namespace {

// --- read(2), write(2) ---

TEST_F(PipeReference, IsAByteStream) {
  EXPECT_EQ(Write("abc"), 3);
  EXPECT_EQ(Write("defg"), 4);
  EXPECT_EQ(Read(2), "ab");
  EXPECT_EQ(Read(3), "cde");
  EXPECT_EQ(Read(100), "fg");
}

TEST_F(PipeReference, AReadTakesWhatIsThereAndNothingElse) {
  Write("abc");
  EXPECT_FALSE(b.Allows(Reads(10), Gives("ab")));
  EXPECT_FALSE(b.Allows(Reads(10), Gives("abd")));
  EXPECT_FALSE(b.Allows(Reads(10), Fails(EAGAIN)));
  EXPECT_FALSE(b.MaySleep(Reads(10)));
  EXPECT_TRUE(b.Allows(Reads(10), Gives("abc")));
}

TEST_F(PipeReference, AnEmptyPipeSleepsOrSaysEagain) {
  EXPECT_TRUE(b.MaySleep(Reads(1)));
  EXPECT_FALSE(b.Allows(Reads(1), Gives("")));
  EXPECT_FALSE(b.Allows(Reads(1), Fails(EINTR)));
  EXPECT_TRUE(b.Allows(Reads(1, kNow), Fails(EAGAIN)));
  EXPECT_FALSE(b.Allows(Reads(1, kNow), Gives("")));
}

TEST_F(PipeReference, AReadOfNothingGivesNothing) {
  EXPECT_EQ(Read(0), "");
  EXPECT_FALSE(b.MaySleep(Reads(0)));
  // read(2): it may look for errors.
  EXPECT_TRUE(b.Allows(Reads(0, kNow), Fails(EAGAIN)));
  EXPECT_FALSE(b.Allows(Reads(0), Fails(EAGAIN)));
  Write("abc");
  EXPECT_FALSE(b.Allows(Reads(0, kNow), Fails(EAGAIN)));
}

TEST_F(PipeReference, WithoutWritersItEndsAfterItsData) {
  Write("abc");
  b.pipe.CloseWriter();
  EXPECT_FALSE(b.Allows(Reads(10), Gives("")));
  EXPECT_EQ(Read(10), "abc");
  EXPECT_FALSE(b.Allows(Reads(10, kNow), Fails(EAGAIN)));
  EXPECT_FALSE(b.MaySleep(Reads(10)));
  EXPECT_EQ(Read(10), "");
}

TEST_F(PipeReference, WithoutReadersAWriteBreaks) {
  b.pipe.CloseReader();
  for (const int64_t size : {1, 5000}) {
    const Result result = b.Play(Writes(std::string(size, 'x')));
    EXPECT_EQ(result.outcome, Fails(EPIPE));
    EXPECT_EQ(result.raises, SIGPIPE);
    EXPECT_FALSE(b.Allows(Writes(std::string(size, 'x')), Returns(size)));
    EXPECT_FALSE(b.Allows(Writes(std::string(size, 'x'), kNow), Fails(EAGAIN)));
  }
  EXPECT_FALSE(b.Allows(Writes(std::string(5000, 'x')), Returns(4096)));
}

TEST_F(PipeReference, AWriteOfNothingMayLookForErrors) {
  EXPECT_EQ(Write(""), 0);
  EXPECT_FALSE(b.Allows(Writes(""), Fails(EPIPE)));
  b.pipe.CloseReader();
  EXPECT_TRUE(b.Allows(Writes(""), Returns(0)));
  EXPECT_TRUE(b.Allows(Writes(""), Fails(EPIPE)));
  EXPECT_FALSE(b.Allows(Writes(""), Fails(EAGAIN)));
}

// --- capacity ---

TEST_F(PipeReference, HoldsSixteenPages) {
  Choice choice(Choice::Mode::kUsual);
  EXPECT_EQ(b.pipe.GetSize(choice).outcome.ret, 16 * kPageBytes);
  EXPECT_EQ(Write(std::string(100000, 'x')), 16 * kPageBytes);
  EXPECT_EQ(b.Bytes(), 16 * kPageBytes);
  EXPECT_EQ(Write("y"), -EAGAIN);
  EXPECT_FALSE(b.Allows(Writes("y", kNow), Returns(1)));
  EXPECT_FALSE(b.Allows(Writes("y"), Returns(1)));
  EXPECT_TRUE(b.MaySleep(Writes("y")));
}

TEST_F(PipeReference, TheDefaultIsNeverAboveTheLimit) {
  const Dialect small{.pipe_max_size = 2 * kPageBytes};
  Pipe pipe(small);
  Choice choice(Choice::Mode::kUsual);
  EXPECT_EQ(pipe.GetSize(choice).outcome.ret, 2 * kPageBytes);
}

TEST_F(PipeReference, RoomIsCertainWhileEveryWriteCouldHaveItsOwnPage) {
  SetSize(2);
  EXPECT_FALSE(b.Allows(Writes("a", kNow), Fails(EAGAIN)));
  EXPECT_FALSE(b.MaySleep(Writes("a")));
  Write("a");
  EXPECT_FALSE(b.Allows(Writes("b", kNow), Fails(EAGAIN)));
  Write("b");
  // Two pages may be in use; or one, with the other still to have.
  for (const char* text : {"c", "d"}) {
    EXPECT_TRUE(b.Allows(Writes(text, kNow), Fails(EAGAIN)));
    EXPECT_TRUE(b.MaySleep(Writes(text)));
    EXPECT_TRUE(b.Allows(Writes(text, kNow), Returns(1)));
  }
  EXPECT_FALSE(b.Allows(Writes(std::string(kPageBytes, 'x'), kNow), Returns(1)))
      << "up to PIPE_BUF bytes go in whole";
  const std::string rest(2 * kPageBytes - 4, 'r');
  EXPECT_FALSE(b.Allows(Writes(rest + "!", kNow), Returns(2 * kPageBytes - 3)));
  EXPECT_TRUE(b.Allows(Writes(rest, kNow), Returns(2 * kPageBytes - 4)));
}

TEST_F(PipeReference, PacksPagesAsLinuxDoes) {
  SetSize(2);
  EXPECT_EQ(Write(std::string(4000, 'a')), 4000);
  EXPECT_EQ(Write(std::string(96, 'b')), 96) << "joins the first page";
  EXPECT_EQ(Write(std::string(2000, 'c')), 2000);
  EXPECT_EQ(Write(std::string(2097, 'd')), -EAGAIN);
  EXPECT_EQ(Write(std::string(2096, 'e')), 2096);
  EXPECT_EQ(Write("f"), -EAGAIN);
  EXPECT_EQ(Read(4095).size(), 4095u);
  EXPECT_EQ(Write("f"), -EAGAIN) << "a byte of the first page is left";
  EXPECT_EQ(Read(1), "b");
  EXPECT_EQ(Write("f"), 1);
}

TEST_F(PipeReference, AnOddHeadMayHaveJoinedThePageBefore) {
  // 4097 bytes after one: as a page and a byte, or a byte and a page.
  SetSize(2);
  Write("a");
  Write(std::string(4097, 'b'));
  Read(1);
  // In a page of its own, the second write fills both; else as well: its second byte begins one.
  EXPECT_TRUE(b.Allows(Writes("c", kNow), Fails(EAGAIN)));
  Read(1);
  EXPECT_TRUE(b.Allows(Writes("c", kNow), Fails(EAGAIN)));
  Read(4095);
  EXPECT_FALSE(b.Allows(Writes("c", kNow), Fails(EAGAIN))) << "only its last byte is left";
}

TEST_F(PipeReference, ALargeWriteThatMayNotSleepGoesInInPart) {
  SetSize(2);
  const std::string large = Pattern('A', 0, 10000);
  EXPECT_FALSE(b.Allows(Writes(large, kNow), Fails(EAGAIN)));
  EXPECT_FALSE(b.Allows(Writes(large, kNow), Returns(0)));
  EXPECT_FALSE(b.Allows(Writes(large, kNow), Returns(2 * kPageBytes + 1)));
  EXPECT_TRUE(b.Allows(Writes(large, kNow), Returns(2 * kPageBytes)));
  EXPECT_EQ(Read(10000), large.substr(0, 2 * kPageBytes));
}

TEST_F(PipeReference, ALargeWriteWithAPageInDoubtMaySayEagain) {
  SetSize(2);
  Write("a"), Write("b");
  const std::string large(10000, 'x');
  EXPECT_FALSE(b.Allows(Writes(large, kNow), Returns(2 * kPageBytes - 1)));
  EXPECT_TRUE(b.Allows(Writes(large, kNow), Fails(EAGAIN)));
  EXPECT_TRUE(b.Allows(Writes(large, kNow), Returns(2 * kPageBytes - 2)));
  EXPECT_FALSE(b.Allows(Writes(large, kNow), Returns(1)));
}

// --- a large write that sleeps ---

TEST_F(PipeReference, ALargeWriteGoesInWhileThereIsRoom) {
  SetSize(2);
  const std::string large = Pattern('A', 0, 20000);
  const auto write = Writes(large);
  EXPECT_EQ(b.Play(write).kind, Result::kMoved);
  EXPECT_EQ(b.Bytes(), 2 * kPageBytes);
  EXPECT_EQ(b.Play(write).kind, Result::kAsleep);
  EXPECT_TRUE(b.MaySleep(write));
  std::string got = Read(4095, {.task = 2});
  EXPECT_EQ(b.Play(write).kind, Result::kAsleep) << "no page is free";
  EXPECT_TRUE(b.MaySleep(write));
  got += Read(1, {.task = 2});
  EXPECT_FALSE(b.MaySleep(write)) << "a page is free for sure";
  while (true) {
    const Result result = b.Play(write);
    if (result.done()) {
      EXPECT_EQ(result.outcome, Returns(20000));
      break;
    }
    ASSERT_NE(result.kind, Result::kAsleep);
    got += Read(5000, {.task = 2});
    got += Read(5000, {.task = 2});
  }
  got += Read(20000, {.task = 2});
  EXPECT_EQ(got, large);
}

TEST_F(PipeReference, ALargeWriteFillsToTheLevelThatIsAskedFor) {
  const auto write = Writes(Pattern('A', 0, 100000));
  Write("abc", {.task = 2});
  EXPECT_EQ(b.Step(Choice(nullptr), {.level = 1000}, write).kind, Result::kMoved);
  EXPECT_EQ(b.Bytes(), 1000);
  EXPECT_EQ(b.Step(Choice(nullptr), {.level = 900}, write).kind, Result::kAsleep);
  EXPECT_EQ(b.Step(Choice(nullptr), {.level = 1 << 30}, write).kind, Result::kMoved);
  EXPECT_EQ(b.Bytes(), 16 * kPageBytes);
}

TEST_F(PipeReference, APartThatBeganInTheMiddleOfAPageIsCountedWithBoth) {
  // The write is at 5000 when its part is judged: a page border lies at 8192, not at 9096.
  SetSize(4);
  const auto write = Writes(Pattern('A', 0, 20000), {.task = 1});
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 5000}, write).kind, Result::kMoved);
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 9096}, write).kind, Result::kMoved);
  Read(5000, {.task = 2});
  // 4096 bytes are left, on two pages: two are free for sure, three are not.
  const std::string three(3 * kPageBytes, 'x');
  EXPECT_TRUE(
      b.Allows(Writes(three, kNow), Returns(2 * kPageBytes), {.task = 3, .nonblock = true}));
}

TEST_F(PipeReference, AnOddHeadMovesTheBordersOfWhatComesAfter) {
  // 20000 bytes are four pages and 3616 bytes, which may have joined the page of the "a".
  SetSize(4);
  Write("a");
  ASSERT_TRUE(b.Allows(Writes(std::string(20000, 'x'), kNow), Returns(3 * kPageBytes), kNow));
  Read(1 + kPageBytes);
  PipeBench copy = b;
  EXPECT_TRUE(copy.Allows(Writes(std::string(8192, 'y'), kNow), Returns(kPageBytes), kNow))
      << "two pages are left, or three";
  Read(2 * kPageBytes);

  const auto write = Writes(std::string(20000, 'z'), {.task = 1});
  Write("a", {.task = 2});
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 1 + kPageBytes}, write).kind, Result::kMoved);
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 1 + 2 * kPageBytes}, write).kind, Result::kMoved);
  Read(1 + kPageBytes, {.task = 2});
  const std::string three(3 * kPageBytes, 'x');
  EXPECT_TRUE(
      b.Allows(Writes(three, kNow), Returns(2 * kPageBytes), {.task = 3, .nonblock = true}));
}

TEST_F(PipeReference, InterruptedALargeWriteSaysHowMuchItPutIn) {
  const std::string large = Pattern('A', 0, 100000);
  const auto write = Writes(large);
  SetSize(2);
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 4096}, write).kind, Result::kMoved);
  PipeBench copy = b;
  EXPECT_FALSE(copy.Allows(write, Fails(EINTR), kHandled));
  EXPECT_FALSE(copy.Allows(write, Returns(4095), kHandled));
  EXPECT_FALSE(copy.Allows(write, Returns(8193), kHandled));
  EXPECT_FALSE(copy.Allows(write, Returns(5000)));
  EXPECT_TRUE(copy.Allows(write, Returns(5000), kHandled)) << "more than had shown yet";
  EXPECT_EQ(copy.Bytes(), 5000);
  const Result played = b.Play(write, kHandled);
  EXPECT_TRUE(played.done());
  EXPECT_EQ(played.outcome.ret, b.Bytes());
}

TEST_F(PipeReference, InterruptedBeforeAnythingHappenedItIsEintr) {
  EXPECT_EQ(b.Play(Reads(1), kHandled).outcome, Fails(EINTR));
  SetSize(1);
  Write(std::string(4096, 'x'));
  for (const int64_t size : {1, 4096, 5000}) {
    EXPECT_EQ(b.Play(Writes(std::string(size, 'y')), kHandled).outcome, Fails(EINTR));
    EXPECT_EQ(b.Bytes(), 4096);
  }
}

// The handler shows in the history after the kernel had decided; what others did since is no reason
// to doubt the EINTR.
TEST_F(PipeReference, AnEintrStandsThoughTheCallCouldGoOnByNow) {
  EXPECT_TRUE(b.Allows(Writes("a"), Fails(EINTR), kHandled));
  EXPECT_TRUE(b.Allows(Writes(std::string(5000, 'a')), Fails(EINTR), kHandled));
  Write("abc");
  EXPECT_TRUE(b.Allows(Reads(1), Fails(EINTR), kHandled));
  EXPECT_TRUE(b.Allows(Reads(1), Gives("a"), kHandled));
}

TEST_F(PipeReference, WithoutReadersAPartIsCountedOrTheWriteBreaks) {
  const auto write = Writes(std::string(100000, 'x'));
  ASSERT_EQ(b.Play(write).kind, Result::kMoved);
  const int64_t part = b.Bytes();
  b.pipe.CloseReader();
  PipeBench copy = b;
  EXPECT_TRUE(copy.Allows(write, Fails(EPIPE)));
  copy = b;
  EXPECT_FALSE(copy.Allows(write, Returns(100000)));
  EXPECT_FALSE(copy.Allows(write, Returns(part - 1)));
  const Outcome seen = Returns(part);
  Choice choice(&seen);
  int with_signal = 0, without = 0;
  do {
    copy = b;
    const Result result = copy.With(copy.pipe, copy.progress[1], {},
                                    [&](Pipe& p, const Caller& c) { return write(p, c, choice); });
    EXPECT_EQ(result.outcome, seen);
    ++(result.raises == SIGPIPE ? with_signal : without);
  } while (choice.NextHidden());
  EXPECT_EQ(with_signal, 1);
  EXPECT_EQ(without, 1);
}

}  // namespace
}  // namespace ipcspec
