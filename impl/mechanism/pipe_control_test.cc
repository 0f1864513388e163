// The pipe reference beside reading and writing: packets (pipe(2)), sizes (fcntl(2)), FIONREAD,
// poll(2), and the pipe as a value.
#include <gtest/gtest.h>
#include <poll.h>

#include <string>

#include "absl/hash/hash.h"
#include "impl/mechanism/pipe.h"
#include "impl/mechanism/pipe_bench.h"

namespace ipcspec {
namespace {

// --- packets ---

TEST_F(PipeReference, APacketIsReadAlone) {
  Write("abc", kPacket), Write("de", kPacket);
  EXPECT_FALSE(b.Allows(Reads(10), Gives("abcde")));
  EXPECT_EQ(Read(10), "abc");
  EXPECT_EQ(Read(1), "d");
  EXPECT_TRUE(b.MaySleep(Reads(1))) << "the rest of a packet is gone";
  EXPECT_EQ(b.Bytes(), 0);
}

TEST_F(PipeReference, ALargePacketIsSplitAtPipeBuf) {
  const std::string large = Pattern('A', 0, 9000);
  EXPECT_EQ(Write(large, kPacket), 9000);
  EXPECT_EQ(Read(10000), large.substr(0, 4096));
  EXPECT_EQ(Read(10000), large.substr(4096, 4096));
  EXPECT_EQ(Read(10000), large.substr(8192));
}

TEST_F(PipeReference, PacketsStayWholeHoweverFarAWriteWent) {
  const std::string large = Pattern('A', 0, 9000);
  const auto write = Writes(large, {.packets = true});
  ASSERT_EQ(b.Step(Choice(nullptr), {.level = 5000}, write).kind, Result::kMoved);
  EXPECT_EQ(b.Bytes(), 4096);
  ASSERT_TRUE(b.Step(Choice(nullptr), {.level = 9000}, write).done());
  Read(10000, {.task = 2});
  EXPECT_EQ(Read(10000, {.task = 2}), large.substr(4096, 4096));
}

TEST_F(PipeReference, AReadMayStopBeforeAPacketOrTakeItToo) {
  const std::string page(kPageBytes, 'a');  // no byte of the packet could join it
  Write(page), Write("de", kPacket), Write("f");
  for (const std::string& text : {page, page + "de"}) {
    PipeBench copy = b;
    EXPECT_TRUE(copy.Allows(Reads(5000), Gives(text)));
  }
  EXPECT_FALSE(b.Allows(Reads(5000), Gives(page + "d")));
  EXPECT_FALSE(b.Allows(Reads(5000), Gives(page + "def")));
  // A packet that is taken in part is gone.
  ASSERT_TRUE(b.Allows(Reads(kPageBytes + 1), Gives(page + "d")));
  EXPECT_EQ(Read(10), "f");
}

TEST_F(PipeReference, APacketMayJoinTheStreamBeforeIt) {
  Write("abc");
  const Outcome seen = Returns(2);
  Choice choice(&seen);
  int stream = 0, packet = 0;
  do {
    PipeBench copy = b;
    ASSERT_EQ(
        copy.With(copy.pipe, copy.progress[1], kPacket,
                  [&](Pipe& p, const Caller& c) { return Writes("de", kPacket)(p, c, choice); })
            .outcome,
        seen);
    EXPECT_TRUE(copy.Allows(Reads(4), Gives("abcd")));
    ++(copy.Bytes() == 0 ? packet : stream);
  } while (choice.NextHidden());
  EXPECT_EQ(stream, 1);
  EXPECT_EQ(packet, 1);
}

// --- fcntl(2), ioctl(2) ---

TEST_F(PipeReference, TheSizeIsAtLeastWhatIsAskedFor) {
  for (const int64_t size : {0, 1, 4096}) {
    EXPECT_EQ(b.Play(SetsSize(size)).outcome, Returns(4096)) << size;
    EXPECT_FALSE(b.Allows(SetsSize(size), Returns(4095)));
  }
  EXPECT_EQ(b.Play(SetsSize(12289)).outcome, Returns(16384));
  EXPECT_FALSE(b.Allows(SetsSize(12289), Returns(12288)));
  EXPECT_TRUE(b.Allows(SetsSize(12289), Returns(65536)));
  // Nothing says that it comes in pages.
  EXPECT_TRUE(b.Allows(SetsSize(5000), Returns(5000)));
  Choice choice(Choice::Mode::kUsual);
  EXPECT_EQ(b.pipe.GetSize(choice).outcome, Returns(5000));
  EXPECT_TRUE(b.Allows(Writes(std::string(4096, 'x'), kNow), Returns(4096)));
  EXPECT_FALSE(b.Allows(Writes(std::string(905, 'x'), kNow), Returns(905)));
  EXPECT_TRUE(b.Allows(Writes(std::string(904, 'x'), kNow), Returns(904)));
}

TEST_F(PipeReference, ASizeBelowWhatIsInUseIsBusy) {
  Write(std::string(5000, 'x'));
  EXPECT_TRUE(b.Allows(SetsSize(4096), Fails(EBUSY)));
  EXPECT_FALSE(b.Allows(SetsSize(4096), Returns(4096)));
  EXPECT_FALSE(b.Allows(SetsSize(4096), Returns(65536)));
  EXPECT_FALSE(b.Allows(SetsSize(8192), Fails(EBUSY)));
  EXPECT_FALSE(b.Allows(SetsSize(1 << 20), Fails(EBUSY)));
  Read(5000);
  Write("a"), Write("b");
  PipeBench copy = b;
  EXPECT_TRUE(copy.Allows(SetsSize(4096), Fails(EBUSY))) << "they may be on two pages";
  EXPECT_TRUE(copy.Allows(SetsSize(4096), Returns(4096)));
  EXPECT_EQ(Read(10), "ab");
}

TEST_F(PipeReference, ARequestThatRoundingMakesFitMayStillBeBusy) {
  Write(std::string(6000, 'x'));
  PipeBench copy = b;
  EXPECT_TRUE(copy.Allows(SetsSize(5000), Fails(EBUSY)));
  EXPECT_FALSE(copy.Allows(SetsSize(5000), Returns(5000)));
  EXPECT_TRUE(copy.Allows(SetsSize(5000), Returns(8192)));
}

TEST_F(PipeReference, AboveTheLimitNeedsAPrivilege) {
  const int64_t limit = b.dialect.pipe_max_size;
  constexpr By kUser{.uid = 1000};
  EXPECT_TRUE(b.Allows(SetsSize(limit + 1), Fails(EPERM), kUser));
  EXPECT_FALSE(b.Allows(SetsSize(limit + 1), Returns(2 * limit), kUser));
  EXPECT_FALSE(b.Allows(SetsSize(limit), Fails(EPERM), kUser));
  EXPECT_FALSE(b.Allows(SetsSize(limit + 1), Fails(EPERM)));
  EXPECT_TRUE(b.Allows(SetsSize(limit + 1), Returns(2 * limit)));
  // Above the limit already: smaller, but still above, is a right or not.
  EXPECT_TRUE(b.Allows(SetsSize(limit + 1), Fails(EPERM), kUser));
  EXPECT_TRUE(b.Allows(SetsSize(limit + 1), Returns(2 * limit), kUser));
  b.dialect.cap_sys_resource = false;
  EXPECT_TRUE(b.Allows(SetsSize(3 * limit), Fails(EPERM)));
}

TEST_F(PipeReference, NoSizeAtAllIsInvalid) {
  for (const int64_t size : {int64_t{-1}, (int64_t{1} << 31) + 1}) {
    EXPECT_EQ(b.Play(SetsSize(size)).outcome, Fails(EINVAL));
    EXPECT_TRUE(b.Allows(SetsSize(size), Fails(EPERM), {.uid = 1000}));
    EXPECT_FALSE(b.Allows(SetsSize(size), Fails(EBUSY)));
  }
}

TEST_F(PipeReference, FionreadCountsWhatIsUnread) {
  Choice choice(Choice::Mode::kUsual);
  Write("abc"), Write("de");
  Read(1);
  const Outcome outcome = b.pipe.Fionread(choice).outcome;
  EXPECT_EQ(outcome.ret, 0);
  ASSERT_EQ(outcome.values.size(), 1u);
  EXPECT_EQ(outcome.values[0], 4);
}

// --- poll(2) ---

TEST_F(PipeReference, TheReadEndIsReadyWithDataOrWithoutWriters) {
  EXPECT_EQ(PollRead().must, 0);
  EXPECT_EQ(PollRead().may & ~0, 0);
  Write("a");
  EXPECT_EQ(PollRead().must, POLLIN);
  EXPECT_EQ(b.pipe.Poll(true, false, POLLRDNORM, -1).must, POLLRDNORM);
  EXPECT_EQ(b.pipe.Poll(true, false, 0, -1).may, 0);
  b.pipe.CloseWriter();
  EXPECT_EQ(PollRead().must, POLLIN | POLLHUP);
  Read(1);
  EXPECT_EQ(PollRead().must, POLLHUP);
}

TEST_F(PipeReference, TheWriteEndIsReadyWithRoomOrWithoutReaders) {
  SetSize(2);
  EXPECT_EQ(PollWrite().must, POLLOUT);
  EXPECT_EQ(PollWrite().may, POLLOUT);
  EXPECT_EQ(b.pipe.Poll(false, true, POLLWRNORM, -1).must, POLLWRNORM);
  Write("a"), Write("b");
  EXPECT_EQ(PollWrite().must, 0);
  EXPECT_EQ(PollWrite().may, POLLOUT);
  Read(2);
  Write(std::string(10000, 'x'));
  EXPECT_EQ(PollWrite().may, 0);
  b.pipe.CloseReader();
  EXPECT_EQ(PollWrite().must, POLLERR);
}

// --- as a value ---

TEST_F(PipeReference, EqualPipesHashEqual) {
  Write("abc"), Write("de");
  PipeBench other;
  for (const char* text : {"xbc", "de"}) ASSERT_TRUE(other.Play(Writes(text)).done());
  EXPECT_NE(other.pipe, b.pipe);
  Read(1);
  ASSERT_TRUE(other.Play(Reads(1)).done());
  EXPECT_EQ(other.pipe, b.pipe) << "what was read is forgotten";
  EXPECT_EQ(absl::HashOf(other.pipe), absl::HashOf(b.pipe));
}

}  // namespace
}  // namespace ipcspec
