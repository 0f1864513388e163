// How a FIFO is opened: fifo(7), open(2). The pipe's data is in pipe_test.cc.
#include <gtest/gtest.h>
#include <poll.h>

#include <string>

#include "impl/mechanism/pipe.h"
#include "impl/mechanism/pipe_bench.h"

namespace ipcspec {
namespace {

class FifoReference : public ::testing::Test {
 protected:
  FifoReference() { b.pipe = Pipe(b.dialect); }

  static auto Reader(bool nonblock = false) { return OpensFifo(true, false, nonblock); }
  static auto Writer(bool nonblock = false) { return OpensFifo(false, true, nonblock); }
  static auto Both(bool nonblock = false) { return OpensFifo(true, true, nonblock); }

  static constexpr By kReader{.task = 1};
  static constexpr By kWriter{.task = 2};
  static constexpr By kThird{.task = 3};
  PipeBench b;
};

TEST_F(FifoReference, TwoBlockingOpensMeet) {
  EXPECT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  EXPECT_TRUE(b.MaySleep(Reader(), kReader));
  EXPECT_TRUE(b.Play(Writer(), kWriter).done());
  EXPECT_FALSE(b.MaySleep(Reader(), kReader));
  EXPECT_EQ(b.Play(Reader(), kReader).outcome, Returns(0));
  EXPECT_EQ(b.pipe.readers(), 1);
  EXPECT_EQ(b.pipe.writers(), 1);
}

TEST_F(FifoReference, AWriterWaitsForAReader) {
  EXPECT_EQ(b.Play(Writer(), kWriter).kind, Result::kMoved);
  EXPECT_TRUE(b.MaySleep(Writer(), kWriter));
  EXPECT_TRUE(b.Play(Reader(true), kReader).done());
  EXPECT_TRUE(b.Play(Writer(), kWriter).done());
}

TEST_F(FifoReference, ItGoesOnThoughTheOtherEndHasClosedAgain) {
  ASSERT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  ASSERT_TRUE(b.Play(Writer(), kWriter).done());
  b.pipe.CloseWriter();
  EXPECT_FALSE(b.MaySleep(Reader(), kReader));
  EXPECT_TRUE(b.Play(Reader(), kReader).done());
  EXPECT_EQ(b.Play(Reads(1), kReader).outcome, Gives(""));
}

TEST_F(FifoReference, ForReadingWithoutBlockingItIsOpenAtOnce) {
  EXPECT_TRUE(b.Play(Reader(true), kReader).done());
  EXPECT_EQ(b.Play(Reads(1), kReader).outcome, Gives("")) << "nobody writes";
}

TEST_F(FifoReference, ForWritingWithoutBlockingItNeedsAReader) {
  EXPECT_EQ(b.Play(Writer(true), kWriter).outcome, Fails(ENXIO));
  EXPECT_EQ(b.pipe.writers(), 0);
  EXPECT_FALSE(b.Allows(Writer(true), Returns(0), kWriter));
  ASSERT_TRUE(b.Play(Reader(true), kReader).done());
  EXPECT_FALSE(b.Allows(Writer(true), Fails(ENXIO), kWriter));
  EXPECT_TRUE(b.Allows(Writer(true), Returns(0), kWriter));
}

TEST_F(FifoReference, AReaderThatStillWaitsMayCountForAWriter) {
  ASSERT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  EXPECT_TRUE(b.Allows(Writer(true), Fails(ENXIO), kWriter));
  EXPECT_TRUE(b.MaySleep(Reader(), kReader));
  EXPECT_TRUE(b.Allows(Writer(true), Returns(0), kWriter));
  EXPECT_FALSE(b.MaySleep(Reader(), kReader));
  ASSERT_TRUE(b.Play(Reader(), kReader).done());
  EXPECT_FALSE(b.Allows(Writer(true), Fails(ENXIO), kThird)) << "now it has opened";
}

TEST_F(FifoReference, BothDirectionsNeverWaitAndEndTheWaiting) {
  ASSERT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  EXPECT_TRUE(b.Play(Both(), kThird).done());
  EXPECT_TRUE(b.Play(Reader(), kReader).done());
  EXPECT_TRUE(b.Play(Writer(), kWriter).done());
  EXPECT_EQ(b.pipe.readers(), 2);
  EXPECT_EQ(b.pipe.writers(), 2);
}

TEST_F(FifoReference, InterruptedItIsNotOpen) {
  ASSERT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  By handled = kReader;
  handled.interrupted = true;
  EXPECT_EQ(b.Play(Reader(), handled).outcome, Fails(EINTR));
  EXPECT_EQ(b.pipe.readers(), 0);
  EXPECT_EQ(b.Play(Writer(true), kWriter).outcome, Fails(ENXIO));
}

TEST_F(FifoReference, AnEintrStandsThoughAWriterCameSince) {
  ASSERT_EQ(b.Play(Reader(), kReader).kind, Result::kMoved);
  ASSERT_TRUE(b.Play(Both(), kThird).done());
  By handled = kReader;
  handled.interrupted = true;
  EXPECT_TRUE(b.Allows(Reader(), Fails(EINTR), handled));
  EXPECT_EQ(b.pipe.readers(), 1);
}

TEST_F(FifoReference, AnOpenerThatDiesLeavesNothing) {
  ASSERT_EQ(b.Play(Writer(), kWriter).kind, Result::kMoved);
  b.pipe.AbandonOpen(false);
  EXPECT_EQ(b.pipe, Pipe(b.dialect));
  EXPECT_EQ(b.pipe, Pipe(b.dialect));
}

TEST_F(FifoReference, TheLastEndTakesDataAndSizeWithIt) {
  ASSERT_TRUE(b.Play(Both(), kReader).done());
  ASSERT_EQ(b.Play(SetsSize(4096)).outcome, Returns(4096));
  ASSERT_TRUE(b.Play(Writes("abc")).done());
  b.pipe.CloseWriter();
  EXPECT_EQ(b.Bytes(), 3) << "a reader is left";
  b.pipe.CloseReader();
  EXPECT_EQ(b.pipe, Pipe(b.dialect));
}

TEST_F(FifoReference, DataWaitsForAReaderWhileAWriterIsLeft) {
  ASSERT_TRUE(b.Play(Both(), kReader).done());
  ASSERT_TRUE(b.Play(Writes("abc")).done());
  b.pipe.CloseReader();
  ASSERT_TRUE(b.Play(Reader(), kThird).done());
  EXPECT_EQ(b.Play(Reads(10)).outcome, Gives("abc"));
}

TEST_F(FifoReference, AReaderThatHadNoWriterNeedNotBeHungUp) {
  const int64_t before = b.pipe.WriterMark();
  ASSERT_TRUE(b.Play(Reader(true), kReader).done());
  EXPECT_EQ(b.pipe.Poll(true, false, POLLIN, before).must, 0);
  EXPECT_TRUE(b.pipe.Poll(true, false, POLLIN, before).may & POLLHUP);
  ASSERT_TRUE(b.Play(Writer(true), kWriter).done());
  const int64_t during = b.pipe.WriterMark();
  ASSERT_TRUE(b.Play(Reader(true), kThird).done());
  EXPECT_FALSE(b.pipe.Poll(true, false, POLLIN, before).may & POLLHUP);
  b.pipe.CloseWriter();
  const int64_t after = b.pipe.WriterMark();
  EXPECT_TRUE(b.pipe.Poll(true, false, POLLIN, before).must & POLLHUP);
  EXPECT_TRUE(b.pipe.Poll(true, false, POLLIN, during).must & POLLHUP);
  EXPECT_FALSE(b.pipe.Poll(true, false, POLLIN, after).must & POLLHUP);
}

}  // namespace
}  // namespace ipcspec
