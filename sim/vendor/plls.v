// PLLs as far as a simulation by cycles goes: one cycle of the clock for each of the crystal's,
// whatever the ratio, and a lock that comes after some. What a PLL is set to is not looked at.

module locked_later (input clk, output reg locked);
  reg [5:0] cycles = 0;
  initial locked = 0;
  always @(posedge clk) begin
    cycles <= cycles + 1;
    if (&cycles) locked <= 1;
  end
endmodule

module EHXPLLL (input CLKI, input CLKFB, input RST, input STDBY, output CLKOP, output CLKOS,
                output LOCK);
  parameter CLKI_DIV = 1;
  parameter CLKFB_DIV = 1;
  parameter CLKOP_DIV = 8;
  parameter CLKOP_CPHASE = 0;
  parameter CLKOP_FPHASE = 0;
  parameter CLKOP_ENABLE = "ENABLED";
  parameter CLKOS_DIV = 8;
  parameter CLKOS_CPHASE = 0;
  parameter CLKOS_FPHASE = 0;
  parameter CLKOS_ENABLE = "DISABLED";
  parameter FEEDBK_PATH = "CLKOP";
  assign CLKOP = CLKI;
  assign CLKOS = CLKI;
  locked_later lock (CLKI, LOCK);
endmodule

module SB_PLL40_PAD (input PACKAGEPIN, input RESETB, input BYPASS, output PLLOUTGLOBAL,
                     output LOCK);
  parameter FEEDBACK_PATH = "SIMPLE";
  parameter DIVR = 0;
  parameter DIVF = 0;
  parameter DIVQ = 0;
  parameter FILTER_RANGE = 0;
  assign PLLOUTGLOBAL = PACKAGEPIN;
  locked_later lock (PACKAGEPIN, LOCK);
endmodule

module SB_PLL40_CORE (input REFERENCECLK, input RESETB, input BYPASS, output PLLOUTGLOBAL,
                      output LOCK);
  parameter FEEDBACK_PATH = "SIMPLE";
  parameter DIVR = 0;
  parameter DIVF = 0;
  parameter DIVQ = 0;
  parameter FILTER_RANGE = 0;
  assign PLLOUTGLOBAL = REFERENCECLK;
  locked_later lock (REFERENCECLK, LOCK);
endmodule

module rPLL (input CLKIN, input CLKFB, input RESET, input RESET_P, output CLKOUT, output LOCK);
  parameter FCLKIN = "27";
  parameter DEVICE = "";
  parameter IDIV_SEL = 0;
  parameter FBDIV_SEL = 0;
  parameter ODIV_SEL = 8;
  parameter DYN_IDIV_SEL = "false";
  parameter DYN_FBDIV_SEL = "false";
  parameter DYN_ODIV_SEL = "false";
  parameter CLKFB_SEL = "internal";
  assign CLKOUT = CLKIN;
  locked_later lock (CLKIN, LOCK);
endmodule
