// Runs a program on an ATmega328P in avr8js: node uno.js PROGRAM.hex
"use strict";
const { AVRTimer, AVRUSART, CPU, avrInstruction, timer0Config, timer1Config, timer2Config, usart0Config } =
  require("avr8js");
const { load, serve } = require("./line.js");

const CLOCK = 16e6;
const INSTRUCTIONS_A_TURN = 500000;
const RECEIVER_ENABLED = 16;

const program = new Uint16Array(0x4000);
const bytes = new Uint8Array(program.buffer);
load(process.argv[2], (address, byte) => {
  bytes[address] = byte;
});
const cpu = new CPU(program);
const timers = [timer0Config, timer1Config, timer2Config].map((config) => new AVRTimer(cpu, config));
const uart = new AVRUSART(cpu, usart0Config, CLOCK);

serve((received, send) => {
  uart.onByteTransmit = send;
  for (let i = 0; i < INSTRUCTIONS_A_TURN; i++) {
    avrInstruction(cpu);
    cpu.tick();
    const listens = cpu.data[usart0Config.UCSRB] & RECEIVER_ENABLED && !uart.rxBusy;
    if (received.length && listens && uart.writeByte(received[0])) {
      received.shift();
    }
  }
  return timers;
});
