// Runs a program on an RP2040 in rp2040js, from the start of its flash: node pico.js PROGRAM.hex
"use strict";
const { ConsoleLogger, LogLevel, RP2040 } = require("rp2040js");
const { load, serve } = require("./line.js");

const FLASH = 0x10000000;
const NANOSECONDS_A_CYCLE = 8; // 125 MHz
const INSTRUCTIONS_A_TURN = 500000;

const chip = new RP2040();
chip.logger = new ConsoleLogger(LogLevel.Error);
load(process.argv[2], (address, byte) => {
  chip.flash[address - FLASH] = byte;
});
chip.core.VTOR = FLASH;
chip.core.reset();

serve((received, send) => {
  const uart = chip.uart[0];
  uart.onByte = send;
  for (let i = 0; i < INSTRUCTIONS_A_TURN; i++) {
    chip.clock.tick(chip.core.executeInstruction() * NANOSECONDS_A_CYCLE);
    if (received.length && uart.enabled && uart.rxFIFO.empty) {
      uart.feedByte(received.shift());
    }
  }
});
