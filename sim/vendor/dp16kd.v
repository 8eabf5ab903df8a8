// A model of the Lattice ECP5 cell DP16KD, for simulation. It is not Lattice's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cell (share/lattice/cells_bb_ecp5.v), and which pins a width uses is what Yosys' own mapping of
// memories (share/lattice/brams_map_16kd.v) connects. It has been compared with no chip.
//
// What it models: words of 1, 2, 4, 9 or 18 bits, behind output registers. Port A reads in every
// cycle in which it does not write; what it reads while it writes is undefined. Port B reads, or is
// off; what it reads is undefined where port A writes the same word. And words of 36 bits, which
// port A writes where ADA3 to ADA0 are high and port B reads, both with the pins of both: the lower
// half of a word has those of A.
//
// What it leaves out: writes of port B; ports of different widths or clocks; bytes that are written
// alone; ports without output registers; resets, chip selects, initial values other than 0. A
// parameter that asks for any of these names a module that does not exist, and so stops the tool; a
// pin that asks makes what is read undefined.

module DP16KD (
    input CLKA, CEA, OCEA, RSTA, WEA, CSA2, CSA1, CSA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input CLKB, CEB, OCEB, RSTB, WEB, CSB2, CSB1, CSB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "DISABLED";

    localparam WIDTH = DATA_WIDTH_A;
    localparam SHIFT = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH - 1;
    localparam ENABLES = WIDTH == 36 ? 4 : WIDTH == 18 ? 2 : 0;

    generate
        if ((WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
            || DATA_WIDTH_B != WIDTH || REGMODE_B != "OUTREG" || CLKBMUX != "CLKB"
            || CSDECODE_B != "0b000" || REGMODE_A != "OUTREG" || WRITEMODE_A != "NORMAL"
            || CLKAMUX != "CLKA" || CSDECODE_A != "0b000")
            dp16kd_is_not_modelled_like_this stop();
    endgenerate

    wire [13:0] address = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3,
                           ADA2, ADA1, ADA0};
    wire [35:0] given = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                         DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
                         DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                         DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [13:0] other = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3,
                         ADB2, ADB1, ADB0};

    localparam LOW = (1 << SHIFT) - 1;       // of an address, which counts bits
    localparam BYTES = (1 << ENABLES) - 1;   // those that enable bytes
    wire write = WEA && (WIDTH != 36 || (address & BYTES) == BYTES);
    wire some = WEA && WIDTH == 36 && (address & BYTES) != 0 && !write;
    wire half = WEA && WIDTH == 18 && (address & BYTES) != BYTES;
    wire strange = !CEA || !OCEA || !OCEB || RSTA || RSTB || CSA0 || CSA1 || CSA2
                   || CSB0 || CSB1 || CSB2 || WEB || some || half || (WIDTH == 36 && !WEA)
                   || (address & LOW & ~BYTES) != 0 || (other & LOW) != 0;

    reg [WIDTH-1:0] words [0:(1<<(14-SHIFT))-1];
    reg [WIDTH-1:0] read, read_b, shown, shown_b;
    integer i;
    initial for (i = 0; i < 1 << (14 - SHIFT); i = i + 1) words[i] = 0;

    always @(posedge CLKA) begin
        read <= strange || write ? {WIDTH{1'bx}} : words[address >> SHIFT];
        if (CEB)
            read_b <= strange || (write && address >> SHIFT == other >> SHIFT)
                      ? {WIDTH{1'bx}} : words[other >> SHIFT];
        shown <= read;
        shown_b <= read_b;
        if (write) words[address >> SHIFT] <= given[WIDTH-1:0];
    end

    wire [17:0] upper;
    generate
        if (WIDTH == 36) assign upper = shown_b[WIDTH-1:WIDTH-18];
        else assign upper = {18'b0, shown_b};
    endgenerate
    wire [17:0] out = WIDTH == 36 ? {18'b0, shown_b} : {18'b0, shown};
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
            DOA4, DOA3, DOA2, DOA1, DOA0} = out;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
            DOB4, DOB3, DOB2, DOB1, DOB0} = upper;
endmodule
